#!/usr/bin/python3
"""What the dearest messages of a peer cost the node, in CPU of its process for each.

  bench_messages.py [--only NAME...] [--count N] [--perf FILE]

Takes the programs from $OCHRE_BUILDDIR (default: the source tree). --perf records the node.
"""
import argparse
import itertools
import os
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "test", "functional"))

from framework import node as framework_node                       # noqa: E402
from framework.codec import Reader, compact_size                   # noqa: E402
from framework.messages import (MSG_BLOCK, MSG_CMPCT_BLOCK, MSG_FILTERED_BLOCK,  # noqa: E402
                                MSG_WITNESS_BLOCK, MSG_WITNESS_TX, MSG_WTX, BlockMsg,
                                BlockTxn, CmpctBlock, FilterLoad, GetBlocks, GetBlockTxn,
                                GetData, GetHeaders, Headers, Inv, InvMsg, NetAddress, Ping,
                                Raw, TxMsg, parse)
from framework.p2p import Peer                                     # noqa: E402
from framework.params import BITCOIN                               # noqa: E402
from framework.primitives import Block, Header                     # noqa: E402
from framework.util import cpu_seconds                             # noqa: E402
from framework.wallet import MiniWallet, many_signatures           # noqa: E402

OUTPUTS = 500
BLOCKS = 2100
POOL = 8000             # transactions of the full block and, later, of the mempool
INPUTS = 400            # of the transaction of many signatures


class Quick(Peer):
    """Looks only at what it needs."""
    needed = ("version", "verack", "ping", "pong")

    def _run(self):
        try:
            while True:
                head = self._recv(24)
                payload = self._recv(struct.unpack("<I", head[16:20])[0])
                command = head[4:16].rstrip(b"\0").decode()
                if command in self.needed:
                    self._dispatch(command, parse(command, payload))
                else:
                    self.count[command] = self.count.get(command, 0) + 1
        except OSError:
            pass
        with self.cond:
            self.closed = True
            self.cond.notify_all()


class World:
    """A chain with a full block, a mempool, and what messages are made of."""

    def __init__(self, node):
        self.node = node
        self.wallet = MiniWallet(node)
        self.wallet.generate(BLOCKS)
        self.coins = self._split(2 * POOL)
        self.full = self._full_block()
        self.dear = many_signatures(self.wallet, INPUTS)
        self.pool = [self.wallet.create(utxos=[u]) for u in self.coins[POOL:]]
        self._send(self.pool)
        count = node.getblockcount()
        self.hashes = [bytes.fromhex(node.getblockhash(h))[::-1] for h in range(1, count + 1)]
        self.full_hash = self.full.hash_bytes
        self.tip = node.tip_header()
        self.serial = itertools.count()

    def _split(self, count):
        for _ in range(-(-count // OUTPUTS)):
            self.wallet.send(confirmed_only=True, outputs=OUTPUTS)
        self.wallet.generate(1)
        return [u for u in self.wallet.utxos if not u.coinbase][:count]

    def _send(self, txs):
        for i in range(0, len(txs), 500):
            self.node.rpc.batch([("sendrawtransaction", [t.hex()]) for t in txs[i:i + 500]])

    def _full_block(self):
        self._send([self.wallet.create(utxos=[u]) for u in self.coins[:POOL]])
        (hash_,) = self.node.generatetodescriptor(1, "raw(51)")
        full = Block.from_hex(self.node.getblock(hash_, 0))
        self.node.generatetodescriptor(2, "raw(51)")
        return full

    def on_tip(self):
        return Header(prev=bytes.fromhex(self.tip["hash"])[::-1], time=self.tip["time"] + 1,
                      merkle=struct.pack("<Q", next(self.serial)).ljust(32, b"m")).solve()

    def unknown(self, n):
        return struct.pack("<II", n, next(self.serial)).ljust(32, b"u")


def get(kind, hash_):
    return GetData([Inv(kind, hash_)])


def addresses(count):
    now = int(time.time())
    return Raw("addr", compact_size(count) + b"".join(
        NetAddress(f"{1 + i % 200}.{i // 200}.3.4", 8333, 9, now).serialize()
        for i in range(count)))


def ranges(command, first):
    def make(w):
        return Raw(command, struct.pack("<BI", 0, first) + w.hashes[-1])
    return make


BUSY_FILTER = FilterLoad(bytes([0xfb, 0xdf] * 18000), 50, 1, 0)   # most bits, few matches

MESSAGES = {
    "ping": lambda w: Ping(1),
    "inv of 50,000": lambda w: InvMsg([Inv(MSG_WTX, w.unknown(i)) for i in range(50_000)]),
    "getdata of 50,000 unknown": lambda w: GetData([Inv(MSG_WTX, w.unknown(i))
                                                    for i in range(50_000)]),
    "getdata of 50,000 pooled": lambda w: GetData([
        Inv(MSG_WITNESS_TX, t.txid_bytes)
        for t in itertools.islice(itertools.cycle(w.pool), 50_000)]),
    "headers 2000": lambda w: Headers([
        Header.read(Reader(bytes.fromhex(w.node.getblockheader(h[::-1].hex(), False))))
        for h in w.hashes[:2000]]),
    "getheaders": lambda w: GetHeaders([w.hashes[0]]),
    "getheaders, long locator": lambda w: GetHeaders([w.unknown(i) for i in range(100)]
                                                     + [w.hashes[0]]),
    "getblocks": lambda w: GetBlocks([w.hashes[0]]),
    "getdata of a full block": lambda w: get(MSG_WITNESS_BLOCK, w.full_hash),
    "the same without witnesses": lambda w: get(MSG_BLOCK, w.full_hash),
    "the same as compact block": lambda w: get(MSG_CMPCT_BLOCK, w.full_hash),
    "the same filtered": lambda w: get(MSG_FILTERED_BLOCK, w.full_hash),
    "getblocktxn of it": lambda w: GetBlockTxn(w.full_hash, range(len(w.full.txs))),
    "getcfilters of 1000": lambda w: ranges("getcfilters", len(w.hashes) - 999)(w),
    "getcfheaders of 2000": lambda w: ranges("getcfheaders", len(w.hashes) - 1999)(w),
    "getcfcheckpt": lambda w: Raw("getcfcheckpt", b"\0" + w.hashes[-1]),
    "block, known": lambda w: BlockMsg(w.full),
    "blocktxn, not asked for": lambda w: BlockTxn(w.full_hash, w.full.txs),
    "cmpctblock, unknown ids": lambda w: CmpctBlock(
        w.on_tip(), 1, range(8000),
        [(0, w.full.txs[0])]),
    "addr of 1000": lambda w: addresses(1000),
    "filterload": lambda w: BUSY_FILTER,
    "mempool": lambda w: Raw("mempool"),
}


def cost(world, name, count):
    node = world.node
    node.disconnect_peers()
    peer = node.add_peer(Quick)
    peer.send(BUSY_FILTER)
    node.advance(60)       # it is told of the mempool, and may ask for what is in it
    peer.sync()
    peer.sync()
    messages = [MESSAGES[name](world) for _ in range(count)]
    begin = cpu_seconds(node.process.pid)
    peer.send(*messages)
    if name == "mempool":
        node.advance(60)
        peer.sync()
    peer.sync()
    return (cpu_seconds(node.process.pid) - begin) / count


def cost_of_transactions(world, count):
    node = world.node
    node.disconnect_peers()
    peer = node.add_peer(Quick)
    begin = cpu_seconds(node.process.pid)
    for _ in range(count):
        world.dear.vout[0].value -= 1
        peer.send(TxMsg(world.dear))
    peer.sync()
    peer.sync()
    return (cpu_seconds(node.process.pid) - begin) / count


def report(args, node):
    world = World(node)
    node.set_time(world.tip["time"] + 100)
    print(f"block of {len(world.full.txs)} transactions, weight {world.full.weight}; "
          f"mempool of {node.getmempoolinfo()['size']}", flush=True)
    perf = args.perf and subprocess.Popen(["perf", "record", "-q", "-g", "-o", args.perf,
                                           "-p", str(node.process.pid)])
    for name in MESSAGES if args.only is None else args.only:
        count = 1 if name == "mempool" else args.count
        print(f"{name:<28}{cost(world, name, count) * 1000:8.2f} ms", flush=True)
    if not args.only:
        print(f"{'tx of many signatures':<28}{cost_of_transactions(world, 3) * 1000:8.2f} ms "
              f"({world.dear.weight} weight)")
    if perf:
        perf.terminate()
        perf.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", metavar="NAME")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--perf")
    args = parser.parse_args()
    framework_node.BASE_ARGS = ("-nodebug",)
    with tempfile.TemporaryDirectory() as root:
        node = framework_node.Node(os.path.join(root, "node"), BITCOIN, [
            "-peerbloomfilters", "-blockfilterindex", "-peerblockfilters", "-v2transport=0",
            "-peertimeout=999999999", "-checkmempool=0", "-checkblockindex=0"]).start()
        try:
            report(args, node)
        finally:
            node.stop(stderr=None)


if __name__ == "__main__":
    main()
