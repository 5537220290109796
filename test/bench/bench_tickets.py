#!/usr/bin/python3
"""How long a block full of storage tickets takes to connect, and against what.

900 storage tickets hold 3,600 Ed448 signatures, 14,400 of the 16,000 units that a block may
have. Prints wall and CPU seconds of its connection on a node that has seen none of them and on one
that had all in its mempool, and the ratios that matter:

  unseen / (signatures x one Ed448 verification of bench_verify)   at most 0.6 on two cores
  seen                                                             at most 50 ms

  bench_tickets.py [--tickets 900] [--runs 3]

Takes the programs from $OCHRE_BUILDDIR (default: the source tree). Exit status 1 when a limit is
broken.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "test", "functional"))

from framework.node import Node                                    # noqa: E402
from framework.primitives import TxOut                             # noqa: E402
from framework.ticket_lab import TicketLab                         # noqa: E402
from framework.util import cpu_seconds                             # noqa: E402

BUILD = os.environ.get("OCHRE_BUILDDIR", TOP)


class Nodes:
    """What conftest's lab gives to tests."""

    def __init__(self, directory):
        self.directory, self.nodes = directory, []

    def node(self, *args):
        name = f"node{len(self.nodes)}"
        n = Node(os.path.join(self.directory, name), args=args, name=name)
        n.start()
        self.nodes.append(n)
        return n


def verification_seconds():
    out = subprocess.run([os.path.join(BUILD, "test/bench/bench_verify")], text=True,
                         stdout=subprocess.PIPE, check=True).stdout
    costs = dict(line.split() for line in out.splitlines())
    return float(costs["ed448"]) / 1e6


def logged_at(log, text):
    """Seconds of the day at which the node wrote the line."""
    (line,) = [line for line in log.splitlines() if text in line]
    hours, minutes, seconds = line[11:26].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def submit(node, block):
    """(wall, CPU) seconds of its connection: the wall time from the call to the new tip, by the
    node's log, without the way of a few megabytes from here to there."""
    pid, start, raw = node.process.pid, node.log_size(), block.hex()
    cpu = cpu_seconds(pid)
    result = node.submitblock(raw)
    if result is not None:
        sys.exit(f"the block is refused: {result}")
    cpu = cpu_seconds(pid) - cpu
    log = node.log(start)
    return logged_at(log, "UpdateTip") - logged_at(log, "method=submitblock"), cpu


def make_tickets(lab, count):
    lab.wallet.broadcast(lab.wallet.create(outputs=count, fee=200_000))
    lab.mine()
    lab.judge.sync()
    height = lab.node.getblockcount()
    chosen = lab.committee(height)[:3]
    txs = []
    for _ in range(count):
        u = lab.utxo()
        t, shares, burn = lab.service("storage", u, chosen, height=height)
        pay = [TxOut(v, o.payout) for v, o in zip(shares, chosen)]
        txs.append(lab.carry(t, [u], burn, pay))
    return txs


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tickets", type=int, default=900)
    p.add_argument("--runs", type=int, default=3)
    args = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="ochre-bench-") as directory:
        lab = TicketLab(Nodes(directory), count=10)
        seen, unseen = lab.judge.nodes
        txs = make_tickets(lab, args.tickets)
        for tx in txs:
            seen.sendrawtransaction(tx.hex())
        block = lab.judge.chain.next(txs)
        one = verification_seconds()
        pure = 4 * len(txs) * one
        times = {seen: [], unseen: []}
        for _ in range(args.runs):
            for n, of in times.items():
                of.append(submit(n, block))
                n.invalidateblock(block.hash)
            unseen.stop()     # its signature cache
            unseen.start()
            block = lab.judge.chain.next(txs, extra=os.urandom(4))
        for n in (seen, unseen):
            n.stop()
    ok = True
    for name, n in (("seen", seen), ("unseen", unseen)):
        wall = statistics.median(t[0] for t in times[n])
        cpu = statistics.median(t[1] for t in times[n])
        print(f"{name:8} wall {wall * 1e3:8.1f} ms   CPU {cpu * 1e3:8.1f} ms   "
              f"wall / pure {wall / pure:5.3f}   CPU / pure {cpu / pure:5.3f}")
        ok = ok and wall <= (0.05 if name == "seen" else 0.6 * pure)
    print(f"one Ed448 verification {one * 1e6:.1f} us, {4 * len(txs)} of them {pure * 1e3:.1f} ms")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
