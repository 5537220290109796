#!/usr/bin/python3
"""What a relayed transaction costs a node, in CPU of its process.

An outgoing peer announces transactions (one input and output, no signature: the rest of the
work shows), serves them, and incoming peers listen:

  accepted   asking for one, checking it and taking it in, per transaction
  announced  telling a peer of one, per transaction and peer

  bench_tx_relay.py [--txs 4000] [--peers 20] [--perf FILE]

Takes the programs from $OCHRE_BUILDDIR (default: the source tree). --perf records the node
meanwhile.
"""
import argparse
import os
import subprocess
import sys
import tempfile

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "test", "functional"))

from framework import node as framework_node                       # noqa: E402
from framework.messages import Inv, InvMsg, MSG_WTX, TxMsg         # noqa: E402
from framework.p2p import TxPeer, frame                            # noqa: E402
from framework.params import BITCOIN                               # noqa: E402
from framework.util import cpu_seconds, wait_until                 # noqa: E402
from framework.wallet import MiniWallet                            # noqa: E402

BATCH = 100
OUTPUTS = 500


class Server(TxPeer):
    """Answers requests from frames that are ready."""
    frames = {}

    def on_getdata(self, msg):
        self.send_raw(b"".join(self.frames[i.hash] for i in msg.items))


def make_txs(node, count):
    wallet = MiniWallet(node)
    wallet.generate(101 + -(-count // OUTPUTS))
    for _ in range(-(-count // OUTPUTS)):
        wallet.send(confirmed_only=True, outputs=OUTPUTS)
    wallet.generate(1)
    coins = [u for u in wallet.utxos if not u.coinbase][:count]
    return [wallet.create(utxos=[u]) for u in coins]


def accept(node, server, txs):
    server.frames = {t.wtxid_bytes: frame(node.params.magic, "tx", TxMsg(t).serialize())
                     for t in txs}
    start = cpu_seconds(node.process.pid)
    for i in range(0, len(txs), BATCH):
        server.send(InvMsg([Inv(MSG_WTX, t.wtxid_bytes) for t in txs[i:i + BATCH]]))

    def all_in():
        node.advance(2)         # a peer that owes many answers is given time
        return node.getmempoolinfo()["size"] == len(txs)
    wait_until(all_in)
    return (cpu_seconds(node.process.pid) - start) / len(txs)


def announce(node, peers, count):
    before = sum(len(p.announced()) for p in peers)
    start = cpu_seconds(node.process.pid)

    def all_told():
        node.advance(10)
        return len(peers[0].announced()) == count
    wait_until(all_told)
    for p in peers:
        p.settle()
    told = sum(len(p.announced()) for p in peers) - before
    return (cpu_seconds(node.process.pid) - start) / max(told, 1), told


def run(args, node):
    txs = make_txs(node, args.txs)
    node.set_time(node.tip_header()["time"] + 1)
    server = node.add_outbound(cls=Server)
    peers = [node.add_peer(TxPeer) for _ in range(args.peers)]
    perf = args.perf and subprocess.Popen(
        ["perf", "record", "-q", "-g", "-o", args.perf, "-p", str(node.process.pid)])
    print(f"accepted   {accept(node, server, txs) * 1e6:6.1f} us "
          f"({len(txs)} transactions, {len(peers)} peers being told meanwhile)")
    each, told = announce(node, peers, len(txs))
    print(f"announced  {each * 1e6:6.2f} us ({told} left)")
    if perf:
        perf.terminate()
        perf.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--txs", type=int, default=4000)     # a peer may announce 5000
    parser.add_argument("--peers", type=int, default=20)
    parser.add_argument("--perf")
    args = parser.parse_args()
    framework_node.BASE_ARGS = ("-nodebug",)
    with tempfile.TemporaryDirectory() as root:
        node = framework_node.Node(os.path.join(root, "node"), BITCOIN).start()
        try:
            run(args, node)
        finally:
            node.stop(stderr=None)


if __name__ == "__main__":
    main()
