"""Transactions between peers: announcements, requests, orphans, fee filters, privacy."""
import pytest

from framework import fixtures
from framework.messages import (FeeFilter, GetData, Inv, InvMsg, MSG_TX, MSG_WTX, NotFound,
                                TxMsg)
from framework.node import sync_mempools
from framework.p2p import RelayPeer
from framework.util import wait_until
from framework.wallet import MiniWallet


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(120)


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    return node.add_peer(RelayPeer)


def test_announced_transactions_are_fetched(node, wallet, peer):
    tx = wallet.create(confirmed_only=True)
    peer.add_txs([tx])
    peer.send_and_sync(InvMsg([Inv(MSG_WTX, tx.wtxid_bytes)]))
    node.advance(10)     # inbound peers wait a little
    wait_until(lambda: tx.txid in node.getrawmempool())
    # known ones are not asked for again
    peer.clear()
    peer.send_and_sync(InvMsg([Inv(MSG_WTX, tx.wtxid_bytes)]))
    node.advance(100)
    peer.sync()
    assert "getdata" not in peer.count


def test_txid_announcements_from_wtxid_peers_are_ignored(node, wallet, peer):
    tx = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True, keep=True)])
    peer.add_txs([tx])
    peer.send_and_sync(InvMsg([Inv(MSG_TX, tx.txid_bytes)]))
    node.advance(100)
    peer.sync()
    assert "getdata" not in peer.count


def test_second_peer_is_asked_when_the_first_does_not_answer(node, wallet):
    node.disconnect_peers()
    silent, helpful = node.add_peer(), node.add_peer(RelayPeer)
    silent.on_inv = lambda m: None
    tx = wallet.create(confirmed_only=True)
    helpful.add_txs([tx])
    silent.send_and_sync(InvMsg([Inv(MSG_WTX, tx.wtxid_bytes)]))
    node.advance(5)
    silent.wait_for("getdata")
    helpful.send_and_sync(InvMsg([Inv(MSG_WTX, tx.wtxid_bytes)]))
    assert "getdata" not in helpful.count
    node.advance(61)     # the request times out after a minute
    wait_until(lambda: tx.txid in node.getrawmempool())


def test_notfound_moves_on_at_once(node, wallet):
    node.disconnect_peers()
    first, second = node.add_peer(), node.add_peer(RelayPeer)
    first.on_inv = lambda m: None
    tx = wallet.create(confirmed_only=True)
    second.add_txs([tx])
    inv = [Inv(MSG_WTX, tx.wtxid_bytes)]
    first.send_and_sync(InvMsg(inv))
    node.advance(5)
    first.wait_for("getdata")
    second.send_and_sync(InvMsg(inv))
    first.send_and_sync(NotFound(inv))
    node.advance(5)
    wait_until(lambda: tx.txid in node.getrawmempool())


def test_orphans_wait_for_their_parents(node, wallet, peer):
    parent = wallet.create(confirmed_only=True)
    child = wallet.create(utxos=wallet.outputs_of(parent))
    peer.send(TxMsg(child))
    peer.sync()
    assert child.txid not in node.getrawmempool()
    node.advance(5)
    asked = peer.wait_for("getdata", lambda m: any(
        i.hash == parent.txid_bytes for i in m.items))
    assert asked
    peer.send(TxMsg(parent))
    wait_until(lambda: {parent.txid, child.txid} <= set(node.getrawmempool()))


def test_orphans_of_refused_parents_go(node, wallet, peer):
    parent = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True, keep=True)],
                           version=4)
    child = wallet.create(utxos=wallet.outputs_of(parent))
    peer.send_and_sync(TxMsg(child))
    peer.send_and_sync(TxMsg(parent))
    assert not {parent.txid, child.txid} & set(node.getrawmempool())


def test_fee_filter_is_sent_and_kept(node, wallet, peer):
    sent = peer.wait_for("feefilter")
    assert 900 <= sent.value <= 1100
    peer.send_and_sync(FeeFilter(20_000))
    cheap = wallet.send(confirmed_only=True, fee_rate=10_000)
    dear = wallet.send(confirmed_only=True, fee_rate=50_000)
    node.advance(120)
    peer.wait(lambda p: dear.wtxid_bytes in p.announced(MSG_WTX))
    assert cheap.wtxid_bytes not in peer.announced()


def test_blocks_only_peer_gets_no_transactions(node, wallet):
    node.disconnect_peers()
    quiet, normal = node.add_peer(relay=False), node.add_peer()
    tx = wallet.send(confirmed_only=True)
    node.advance(120)
    normal.wait(lambda p: tx.wtxid_bytes in p.announced(MSG_WTX))
    quiet.sync()
    assert "inv" not in quiet.count


def test_sender_is_not_told_its_own_transaction(node, wallet):
    node.disconnect_peers()
    sender, other = node.add_peer(), node.add_peer()
    tx = wallet.create(confirmed_only=True)
    sender.send_and_sync(TxMsg(tx))
    node.advance(120)
    other.wait(lambda p: tx.wtxid_bytes in p.announced(MSG_WTX))
    sender.sync()
    assert tx.wtxid_bytes not in sender.announced()


def test_unannounced_transactions_are_not_served(node, wallet):
    """What a peer was never told about it cannot ask for: no probing of the pool."""
    node.disconnect_peers()
    node.set_time(node.mocktime or 1795300000)
    peer = node.add_peer()
    peer.clear()
    tx = wallet.create(confirmed_only=True)
    node.sendrawtransaction(tx.hex())
    peer.send(GetData([Inv(MSG_WTX, tx.wtxid_bytes)]))
    msg = peer.wait(lambda p: p.last.get("notfound") or p.last.get("tx"))
    assert getattr(msg, "items", None) == [Inv(MSG_WTX, tx.wtxid_bytes)]


def test_three_nodes_in_a_line(lab, params):
    # such peers are told at once
    a, b, c = (lab.node("-whitelist=noban@127.0.0.1", params=params) for _ in range(3))
    a.connect(b)
    b.connect(c)
    wallet = MiniWallet(a)
    wallet.generate(103)
    wait_until(lambda: c.getblockcount() == 103)
    wallet.send()
    wallet.send()
    sync_mempools([a, b, c])
    assert len(c.getrawmempool()) == 2


def test_unbroadcast_until_someone_asks(lab, params):
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    tx = wallet.send()
    assert node.getmempoolentry(tx.txid)["unbroadcast"] is True
    peer = node.add_peer()       # its default is to ask for everything
    node.mockscheduler(15 * 60)

    def came():
        node.advance(30)         # the next announcement may be scheduled only now
        return peer.received("tx")
    wait_until(came)
    wait_until(lambda: node.getmempoolentry(tx.txid)["unbroadcast"] is False)
