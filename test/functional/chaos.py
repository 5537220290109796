#!/usr/bin/env python3
"""Disasters of the network between some nodes, one after another: see framework/chaos.py.

    test/functional/chaos.py --seconds 120 --nodes 6
    test/functional/chaos.py --namespaces        # real links instead of a proxy; needs root

Prints what happened; the exit status tells whether the nodes agreed after every disaster.
"""
import argparse
import os
import random
import shutil
import sys
import tempfile
import time


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--seconds", type=float, default=120)
    p.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    p.add_argument("--nodes", type=int, default=6)
    p.add_argument("--daemon", help="an ochred; the other programs are taken from its folder")
    p.add_argument("--namespaces", action="store_true",
                   help="network namespaces, with netem where the kernel has it")
    p.add_argument("--keep", action="store_true", help="leave the data directories")
    return p.parse_args()


def run(args, lab):
    from framework.chaos import Chaos
    if args.namespaces:
        from framework.namespaces import Network
        why = Network.missing()
        if why:
            print(f"skipped: {why}")
            return
    else:
        from framework.proxy import Network
    network = Network(args.seed)
    try:
        chaos = Chaos(lab, network, args.seed, args.nodes, args=("-nodebug",))
        end = time.monotonic() + args.seconds
        while time.monotonic() < end:
            chaos.cycle()
        chaos.check_connected()
        print(f"{chaos.cycles} disasters, blocks {chaos.nodes[0].getblockcount()}, "
              f"slowest agreement {chaos.slowest:.1f} s{network.note()}")
    finally:
        network.close()


def main():
    args = arguments()
    if args.daemon:            # before the framework looks
        os.environ["OCHRE_BUILDDIR"] = os.path.dirname(os.path.abspath(args.daemon))
    from framework.lab import Lab
    root = tempfile.mkdtemp(prefix="ochre-chaos-")
    lab = Lab(root)
    print(f"seed {args.seed}, {args.nodes} nodes, {args.seconds:g} s, in {root}", flush=True)
    try:
        run(args, lab)
    except BaseException:
        for title, text in lab.log_tails(20):
            print(f"--- {title}\n{text}", file=sys.stderr)
        args.keep = True
        raise
    finally:
        lab.close()
        if not args.keep:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
