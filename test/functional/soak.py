#!/usr/bin/env python3
"""Hostile peers for a while: see framework/soak.py.

    test/functional/soak.py --seconds 60 --daemon build/asan/ochred

Prints what happened; the exit status tells whether everything held. The same seed draws the
same attacks, though not the same moments.
"""
import argparse
import os
import random
import shutil
import sys
import tempfile


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--seconds", type=float, default=float(os.environ.get("SOAK_SECONDS", 60)))
    p.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    p.add_argument("--connections", type=int, default=50)
    p.add_argument("--daemon", help="an ochred; the other programs are taken from its folder")
    p.add_argument("--attacks", nargs="*", metavar="NAME", help="only these")
    p.add_argument("--keep", action="store_true", help="leave the data directories")
    return p.parse_args()


def main():
    args = arguments()
    if args.daemon:            # before the framework looks
        os.environ["OCHRE_BUILDDIR"] = os.path.dirname(os.path.abspath(args.daemon))
    from framework.lab import Lab
    from framework.soak import Soak
    root = tempfile.mkdtemp(prefix="ochre-soak-")
    lab = Lab(root)
    print(f"seed {args.seed}, {args.connections} connections, {args.seconds:g} s, in {root}",
          flush=True)
    try:
        soak = Soak(lab, args.seed, args.connections, args.attacks,
                    say=lambda line: print(line, flush=True))
        soak.run(args.seconds)
        print(soak.report(), flush=True)
        soak.check()
    except BaseException:
        for title, text in lab.log_tails(20):
            print(f"--- {title}\n{text}", file=sys.stderr)
        args.keep = True
        raise
    finally:
        lab.close()            # complains of leaks and of lines that tell of bugs
        if not args.keep:
            shutil.rmtree(root, ignore_errors=True)
    print("held")


if __name__ == "__main__":
    main()
