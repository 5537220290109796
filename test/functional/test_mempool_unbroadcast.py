"""Transactions of ours that nobody has asked for yet are announced again
(mempool_unbroadcast)."""
import pytest

from framework.node import sync_blocks, sync_mempools
from framework.p2p import TxPeer
from framework.util import wait_until
from framework.wallet import MiniWallet

MAX_INTERVAL = 15 * 60


@pytest.fixture
def nodes(lab, params):
    return [lab.node("-whitelist=noban@127.0.0.1", params=params) for _ in range(2)]


@pytest.fixture
def wallet(nodes):
    wallet = MiniWallet(nodes[0])
    wallet.generate(105)
    return wallet


def unbroadcast(node):
    pool = node.getrawmempool(True)
    marked = {txid for txid, e in pool.items() if e["unbroadcast"]}
    assert node.getmempoolinfo()["unbroadcastcount"] == len(marked)
    return marked


def test_announced_again_until_asked_for(nodes, wallet):
    a, b = nodes
    txs = {wallet.send(confirmed_only=True).txid for _ in range(2)}
    assert unbroadcast(a) == txs
    a.connect(b)
    sync_blocks(nodes)
    assert not b.getrawmempool()            # announced before they knew each other
    a.mockscheduler(MAX_INTERVAL)
    sync_mempools(nodes)
    wait_until(lambda: not unbroadcast(a))
    assert not unbroadcast(b)               # others' transactions are not
    a.disconnect(b)
    third = a.add_peer(TxPeer)              # nor are they announced a second time
    a.mockscheduler(MAX_INTERVAL)
    third.sync()
    assert not third.announced()


def test_survives_a_restart(nodes, wallet):
    a, _ = nodes
    tx = wallet.send(confirmed_only=True)
    a.restart()
    assert unbroadcast(a) == {tx.txid}
    peer = a.add_peer(TxPeer)
    a.mockscheduler(MAX_INTERVAL)
    peer.wait(lambda p: tx.wtxid_bytes in p.announced())


def test_what_leaves_the_pool_is_forgotten(nodes, wallet):
    a, _ = nodes
    coin = wallet.get_utxo(confirmed_only=True)
    old = wallet.create(utxos=[coin], fee_rate=3000)
    new = wallet.create(utxos=[coin], fee_rate=30_000)
    wallet.broadcast(old)
    wallet.broadcast(new)
    assert unbroadcast(a) == {new.txid}
    wallet.generate(1)
    assert unbroadcast(a) == set()
