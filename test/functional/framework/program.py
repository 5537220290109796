"""What programs outside pytest share: a lab for a while, with its logs when something fails."""
import argparse
import contextlib
import os
import random
import shutil
import sys
import tempfile


def parser(doc):
    p = argparse.ArgumentParser(description=doc.splitlines()[0])
    p.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    p.add_argument("--daemon", help="an ochred; the other programs are taken from its folder")
    p.add_argument("--keep", action="store_true", help="leave the data directories")
    return p


@contextlib.contextmanager
def lab_for(args, name):
    """A lab of its own. It goes with its data, unless something failed or --keep is given;
    closing it complains of leaks and of lines that tell of bugs."""
    if args.daemon:            # before the framework looks
        os.environ["OCHRE_BUILDDIR"] = os.path.dirname(os.path.abspath(args.daemon))
    from .lab import Lab
    root = tempfile.mkdtemp(prefix=f"ochre-{name}-")
    lab = Lab(root)
    print(f"seed {args.seed}, {args.seconds:g} s, in {root}", flush=True)
    keep = True
    try:
        yield lab
        keep = args.keep
    except BaseException:
        for title, text in lab.log_tails(20):
            print(f"--- {title}\n{text}", file=sys.stderr)
        raise
    finally:
        lab.close()
        if not keep:
            shutil.rmtree(root, ignore_errors=True)
