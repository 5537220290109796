#!/usr/bin/env python3
"""Disasters of the network between some nodes, one after another: see framework/chaos.py.

    test/functional/chaos.py --seconds 120 --nodes 6
    test/functional/chaos.py --namespaces        # real links instead of a proxy; needs root

Prints what happened; the exit status tells whether the nodes agreed after every disaster.
"""
import time

from framework.program import lab_for, parser


def arguments():
    p = parser(__doc__)
    p.add_argument("--seconds", type=float, default=120)
    p.add_argument("--nodes", type=int, default=6)
    p.add_argument("--namespaces", action="store_true",
                   help="network namespaces, with netem where the kernel has it")
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
    with lab_for(args, "chaos") as lab:
        run(args, lab)


if __name__ == "__main__":
    main()
