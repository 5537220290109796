#!/usr/bin/env python3
"""Hostile peers for a while: see framework/soak.py.

    test/functional/soak.py --seconds 60 --daemon build/asan/ochred

Prints what happened; the exit status tells whether everything held. The same seed draws the
same attacks, though not the same moments.
"""
import os

from framework.program import lab_for, parser


def arguments():
    p = parser(__doc__)
    p.add_argument("--seconds", type=float, default=float(os.environ.get("SOAK_SECONDS", 60)))
    p.add_argument("--connections", type=int, default=50)
    p.add_argument("--attacks", nargs="*", metavar="NAME", help="only these")
    return p.parse_args()


def main():
    args = arguments()
    with lab_for(args, "soak") as lab:
        from framework.soak import Soak
        soak = Soak(lab, args.seed, args.connections, args.attacks,
                    say=lambda line: print(line, flush=True))
        soak.run(args.seconds)
        print(soak.report(), flush=True)
        soak.check()
    print("held")


if __name__ == "__main__":
    main()
