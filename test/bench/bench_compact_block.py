#!/usr/bin/python3
"""What a full block costs the node that receives it as a compact block, with equal mempools.

Two nodes hold the same transactions (P2WPKH, one or two inputs, two outputs); one mines full
blocks, the other follows. For each block, at the receiver:

  octets    all that came while the block did, by getpeerinfo; limit 6 a transaction + 1,000
  CPU       user and system time of its process, from the call that mines to the answer of
            waitforblock; limit for the median 60 ms
  settled   the same until the process is idle again

and no getblocktxn may be sent.

  bench_compact_block.py [--blocks 5] [--only bitcoin|ochre] [--perf FILE]

Takes the programs from $OCHRE_BUILDDIR (default: the source tree). --perf records the receiver
meanwhile. Exit status 1 when a limit is broken.
"""
import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "test", "functional"))

from framework.hashes import hash160                               # noqa: E402
from framework.key import Key                                      # noqa: E402
from framework.node import Node, sync_blocks                       # noqa: E402
from framework.params import PERSONALITIES                         # noqa: E402
from framework.primitives import OutPoint, Tx, TxIn, TxOut         # noqa: E402
from framework.sighash import sign_p2wpkh                          # noqa: E402
from framework.util import cpu_seconds, wait_until                 # noqa: E402
from framework.wallet import MiniWallet                            # noqa: E402

OUTPUTS = 1500          # of a transaction that splits a coinbase
FULL = 3_900_000        # weight above which a block counts as full
FEE_RATE = 3            # units for one vbyte
LIMIT_MS = 60


def split_coins(wallet, script, count):
    """Confirmed coins of that script: (outpoint, value)."""
    coins = []
    while len(coins) < count:
        tx = wallet.send(outputs=OUTPUTS, script_pubkey=script, confirmed_only=True)
        coins += [(OutPoint(tx.txid, n), o.value) for n, o in enumerate(tx.vout)]
        if len(coins) // OUTPUTS % 16 == 0:
            wallet.generate(1, sync=False)
    wallet.generate(1, sync=False)
    return coins


def spend(key, script, coins):
    tx = Tx([TxIn(o) for o, _ in coins], [TxOut(0, script), TxOut(0, script)])
    fee = FEE_RATE * (74 + 69 * len(coins))
    tx.vout[0].value = tx.vout[1].value = (sum(v for _, v in coins) - fee) // 2
    for i, (_, value) in enumerate(coins):
        sign_p2wpkh(tx, i, key, value)
    return tx.hex()


def typical_transactions(wallet, count):
    """Half of them with one input, half with two."""
    key = Key.from_seed("compact")
    script = b"\x00\x14" + hash160(key.pubkey)
    coins = iter(split_coins(wallet, script, count * 3 // 2 + 2))
    return [spend(key, script, list(itertools.islice(coins, 1 + i % 2)))
            for i in range(count)]


def fill(node, txs):
    for i in range(0, len(txs), 500):
        for reply in node.rpc.batch([("sendrawtransaction", [t]) for t in txs[i:i + 500]]):
            if reply.get("error"):
                sys.exit(f"a transaction is refused: {reply['error']}")


def received(node):
    (peer,) = node.getpeerinfo()
    kinds = ("ping", "pong")
    return (sum(n for k, n in peer["bytesrecv_per_msg"].items() if k not in kinds),
            peer["bytessent_per_msg"].get("getblocktxn", 0))


def settled_cpu(pid):
    """CPU once it stands still."""
    last = cpu_seconds(pid)
    while True:
        time.sleep(0.3)
        now = cpu_seconds(pid)
        if now - last < 0.001:
            return now
        last = now


def relay_block(miner, node):
    """(octets, getblocktxn octets, CPU at the tip, CPU when settled, transactions, weight)"""
    pid = node.process.pid
    octets, asked = received(node)
    before = settled_cpu(pid)
    (new,) = miner.generatetodescriptor(1, "raw(51)")
    node.waitforblock(new)
    at_tip = cpu_seconds(pid)
    settled = settled_cpu(pid)
    after, asked_after = received(node)
    info = miner.getblock(new)
    return (after - octets, asked_after - asked, at_tip - before, settled - before,
            info["nTx"], info["weight"])


def measure(directory, params, blocks, perf):
    miner, node = nodes = [Node(os.path.join(directory, params.name + n), params,
                                ["-nodebug", "-maxmempool=1000",
                                 "-checkmempool=0", "-checkblockindex=0"]) for n in "ab"]
    for n in nodes:
        n.start()
    wallet = MiniWallet(miner)
    wallet.generate(100 + blocks * 7)
    txs = typical_transactions(wallet, 5900 * blocks)
    node.connect(miner)
    sync_blocks(nodes)
    node.disconnect(miner)
    for n in nodes:
        fill(n, txs)
    node.connect(miner)
    # the block that makes the miner a high-bandwidth peer holds next to nothing
    miner.generateblock("raw(51)", [])
    sync_blocks(nodes)
    wait_until(lambda: node.getpeerinfo()[0]["bip152_hb_to"])
    recorder = perf and subprocess.Popen(["perf", "record", "-q", "-F", "9999", "--call-graph", "dwarf,16384", "-e",
                                          "cpu-clock", "-o", f"{perf}.{params.name}", "-p",
                                          str(node.process.pid)])
    rows = [relay_block(miner, node) for _ in range(blocks)]
    if recorder:
        recorder.terminate()
        recorder.wait()
    for n in nodes:
        n.stop()
    return rows


def report(name, rows):
    """True when every limit holds."""
    rows = [r for r in rows if r[5] >= FULL]
    good = bool(rows)
    for octets, asked, at_tip, settled, n_tx, weight in rows:
        fits = octets <= 6 * n_tx + 1000 and not asked
        good &= fits
        print(f"{name}: {n_tx} transactions, weight {weight}: {octets} octets "
              f"({octets - 6 * n_tx} + 6 each), getblocktxn {'yes' if asked else 'no'}, "
              f"CPU {at_tip * 1e3:.1f} ms, settled {settled * 1e3:.1f} ms"
              f"{'' if fits else '   BROKEN'}")
    cpu = statistics.median(r[2] for r in rows) * 1e3
    print(f"{name}: median CPU {cpu:.1f} ms   limit {LIMIT_MS}   "
          f"{'ok' if cpu <= LIMIT_MS else 'BROKEN'}", flush=True)
    return good and cpu <= LIMIT_MS


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--blocks", type=int, default=5)
    p.add_argument("--only", choices=[x.name for x in PERSONALITIES])
    p.add_argument("--perf")
    a = p.parse_args()
    good = True
    for params in PERSONALITIES:
        if a.only in (None, params.name):
            with tempfile.TemporaryDirectory(prefix="ochre-bench-") as directory:
                good &= report(params.name, measure(directory, params, a.blocks, a.perf))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
