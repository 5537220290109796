#!/usr/bin/python3
"""How fast a wallet with a full key pool reads a chain again, with and without block filters.

  bench_rescan.py --chain DIR     DIR holds blocks.dat of a chain that does not concern the wallet

Prints MB/s of blocks, wall and CPU. Takes the programs from $OCHRE_BUILDDIR (default: the source
tree).
"""
import argparse
import os
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "test", "functional"))

from framework.node import Node                                    # noqa: E402
from framework.params import BITCOIN                               # noqa: E402
from framework.util import cpu_seconds, wait_until                 # noqa: E402


def measure(node, megabytes, title, runs=5):
    best = None
    for _ in range(runs):
        wall, cpu = time.monotonic(), cpu_seconds(node.process.pid)
        node.rescanblockchain()
        took = time.monotonic() - wall, cpu_seconds(node.process.pid) - cpu
        best = min(best or took, took)
    print(f"{title:16} {megabytes / best[0]:8.0f} MB/s   {best[0]:6.2f} s wall, {best[1]:6.2f} s CPU")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--chain", required=True)
    blocks = os.path.join(p.parse_args().chain, "blocks.dat")
    with tempfile.TemporaryDirectory(prefix="ochre-bench-") as directory:
        node = Node(os.path.join(directory, "node"), BITCOIN, ["-blockfilterindex"])
        node.spawn(f"-loadblock={blocks}", "-stopafterblockimport")
        node.wait_exit(timeout=600)
        node.start()
        wait_until(lambda: all(i["synced"] for i in node.getindexinfo().values()))
        node.createwallet("w")
        megabytes = os.path.getsize(blocks) / 1e6
        print(f"{megabytes:.0f} MB in {node.getblockcount()} blocks, "
              f"{2 * node.getwalletinfo()['keypoolsize']} scripts")
        measure(node, megabytes, "with filters")
        node.stop()
        node = Node(os.path.join(directory, "node"), BITCOIN)
        node.start()
        node.loadwallet("w")
        measure(node, megabytes, "without filters")
        node.stop()


if __name__ == "__main__":
    main()
