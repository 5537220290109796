"""Blocks that are taken back under a mempool full of what stands on them: families are
as if nothing had ever been mined, and within the limits."""
import random

import pytest

from framework import fixtures
from framework.packages import pool_is
from framework.primitives import to_hex
from framework.wallet import MiniWallet

COUNT = 60
node = fixtures.node_of_each(f"-limitancestorcount={COUNT}", f"-limitdescendantcount={COUNT}",
                             "-limitancestorsize=1000", "-limitdescendantsize=1000")


def graph(wallet, rng):
    """Transactions in order, each spending some of those before it."""
    wide = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)], outputs=4, fee=5_000)
    txs, free = [wide], wallet.outputs_of(wide)
    while len(txs) < COUNT:
        rng.shuffle(free)
        n = rng.randint(1, 3)
        tx = wallet.create(utxos=free[:n], outputs=rng.randint(2, 5), fee=3_000)
        txs.append(tx)
        free = free[n:] + wallet.outputs_of(tx)
    return txs


def parents(tx):
    return {to_hex(i.prevout.txid) for i in tx.vin}


def ancestors(txs):
    """By txid: the set of txids above and itself."""
    out = {}
    for tx in txs:
        above = {tx.txid}
        for txid in parents(tx):
            above |= out.get(txid, set())
        out[tx.txid] = above
    return out


def check(node, txs):
    pool, up = node.getrawmempool(True), ancestors(txs)
    assert set(pool) == set(up)
    size = {tx.txid: tx.vsize for tx in txs}
    for tx in txs:
        entry, above = pool[tx.txid], up[tx.txid]
        below = {t for t in up if tx.txid in up[t]}
        assert entry["ancestorcount"] == len(above)
        assert entry["ancestorsize"] == sum(size[t] for t in above)
        assert entry["descendantcount"] == len(below)
        assert entry["descendantsize"] == sum(size[t] for t in below)
        assert entry["depends"] == sorted(parents(tx) & set(up))


@pytest.mark.parametrize("seed", range(2))
def test_a_graph_mined_in_slices(node, seed):
    """Mined in three blocks with more on top, then all blocks go at once."""
    wallet = MiniWallet(node, tag=str(seed))
    wallet.generate(101)
    txs = graph(wallet, random.Random(seed))
    for tx in txs:
        node.sendrawtransaction(tx.hex(), 0)
    check(node, txs)
    blocks, at = [], 0
    for upto in (COUNT // 4, COUNT // 2, 3 * COUNT // 4):
        blocks.append(node.generateblock("raw(51)", [t.hex() for t in txs[at:upto]])["hash"])
        at = upto
        check(node, txs[at:])
    node.invalidateblock(blocks[0])
    check(node, txs)
    node.reconsiderblock(blocks[0])
    check(node, txs[at:])
    node.generatetodescriptor(1, "raw(51)")
    pool_is(node, [])


def test_limits_hold_after_a_reorg(lab, params):
    """25 mined, more on top: what is now too far down leaves."""
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    chain = wallet.chain(30, wallet.get_utxo(confirmed_only=True), fee=1_000)
    block = node.generateblock("raw(51)", [t.hex() for t in chain[:20]])["hash"]
    for tx in chain[20:]:
        node.sendrawtransaction(tx.hex())
    node.invalidateblock(block)
    pool_is(node, chain[:25])
    assert node.getmempoolentry(chain[24].txid)["ancestorcount"] == 25


def test_a_reorg_that_brings_more_than_fits_above(lab, params):
    """A block may hold longer chains than the mempool takes."""
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    chain = wallet.chain(40, wallet.get_utxo(confirmed_only=True), fee=1_000)
    node.generateblock("raw(51)", [t.hex() for t in chain[:35]])
    for tx in chain[35:]:
        node.sendrawtransaction(tx.hex())
    node.invalidateblock(node.getbestblockhash())
    pool_is(node, chain[:25])
