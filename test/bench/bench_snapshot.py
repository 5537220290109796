#!/usr/bin/python3
"""What dumptxoutset and loadtxoutset cost for a chain with many coins.

  bench_snapshot.py [--coins 1000000] [--dbcache 450]

Prints wall and CPU seconds, coins a second of CPU, peak memory, sizes, and the same for the way from
genesis. Takes the programs from $OCHRE_BUILDDIR (default: the source tree).
"""
import argparse
import os
import random
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "test", "functional"))

from framework.node import Node                                    # noqa: E402
from framework.params import BITCOIN                               # noqa: E402
from framework.primitives import OutPoint, Tx, TxIn, TxOut         # noqa: E402
from framework.snapshot import Source, chainstates, wait_validated  # noqa: E402
from framework.util import cpu_seconds, wait_until                 # noqa: E402

A_TX = 25000  # outputs: what fits a block
FLAGS = ["-checkblockindex=0", "-checkmempool=0", "-debug=0", "-disablewallet"]


def peak_mib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))


def grow(node, coins):
    rng = random.Random(1)
    blocks = -(-coins // A_TX)
    node.generatetodescriptor(blocks + 100, "raw(51)")
    for h in range(1, blocks + 1):
        coinbase = node.getblock(node.getblockhash(h))["tx"][0]
        value = 50 * BITCOIN.coin >> (h // BITCOIN.halving)
        outs = [TxOut(value // A_TX, b"\x00\x14" + rng.randbytes(20)) for _ in range(A_TX)]
        tx = Tx([TxIn(OutPoint(coinbase, 0))], outs, 2, 0)
        node.generateblock("raw(51)", [tx.hex()])


def measure(node, title, coins, action):
    cpu, wall = cpu_seconds(node.process.pid), time.monotonic()
    action()
    wall = time.monotonic() - wall
    cpu = cpu_seconds(node.process.pid) - cpu
    print(f"{title:12} {wall:7.2f} s wall, {cpu:6.2f} s CPU, {coins / cpu / 1000:6.0f} thousand "
          f"coins a CPU second, peak {peak_mib(node):.0f} MiB", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--coins", type=int, default=1000000)
    p.add_argument("--dbcache", type=int, default=450)
    a = p.parse_args()
    flags = FLAGS + [f"-dbcache={a.dbcache}"]
    with tempfile.TemporaryDirectory(prefix="ochre-bench-") as directory:
        node = Node(os.path.join(directory, "source"), BITCOIN, flags).start()
        grow(node, a.coins)
        node.restart()
        out = []
        measure(node, "dump", a.coins, lambda: out.append(Source(node)))
        source, coins = out[0], out[0].base["coins_written"]
        print(f"{coins} coins, file {os.path.getsize(source.file) / 1e6:.1f} MB, "
              f"database {node.gettxoutsetinfo('none')['disk_size'] / 1e6:.1f} MB")
        new = Node(os.path.join(directory, "new"), BITCOIN, flags + [source.option]).start()
        source.give_headers(new)
        measure(new, "load", coins, lambda: new.loadtxoutset(source.file))
        new.connect(node)
        measure(new, "validation", coins, lambda: wait_validated(new))
        assert len(chainstates(new)) == 1
        old = Node(os.path.join(directory, "old"), BITCOIN, flags).start()
        old.connect(node)
        measure(old, "from genesis", coins, lambda: wait_until(
            lambda: old.getbestblockhash() == node.getbestblockhash()))
        for n in node, new, old:
            n.stop()


if __name__ == "__main__":
    main()
