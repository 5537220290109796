"""Which transactions are asked for, of whom and when (p2p_tx_download)."""
import os

import pytest

from framework import fixtures
from framework.messages import (GetData, Inv, InvMsg, MSG_BLOCK, MSG_TX, MSG_WTX, NotFound,
                                TxMsg)
from framework.p2p import TxPeer
from framework.util import wait_until

DELAY = 2                # of peers that connected, of txids, of busy peers: each
REQUEST_TIMEOUT = 60
MAX_IN_FLIGHT = 100
MAX_ANNOUNCEMENTS = 5000


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params)
    node.generatetodescriptor(1, "raw(51)")
    node.set_time(node.tip_header()["time"] + 1)
    return node


wallet = fixtures.mini_wallet(110)


@pytest.fixture
def peers(node):
    def make(count=1, **kwargs):
        made = [node.add_peer(TxPeer, **kwargs) for _ in range(count)]
        return made[0] if count == 1 else made
    yield make
    node.disconnect_peers()


class Unknown:
    """A transaction of which only the ids exist."""

    def __init__(self):
        self.txid_bytes = self.wtxid_bytes = os.urandom(32)
        self.txid = self.wtxid_bytes[::-1].hex()


def unknown(count):
    return [Unknown() for _ in range(count)]


def asked(*peers):
    return [len(p.requests()) for p in peers]


def test_each_is_asked_of_one_peer_at_a_time(node, peers):
    """Until all of them were, whether they answer or not."""
    crowd = peers(5)
    txs = unknown(20)
    for p in crowd:
        p.announce(*txs)
    for _ in crowd:
        before = sum(asked(*crowd))
        node.advance(REQUEST_TIMEOUT)
        wait_until(lambda: sum(asked(*crowd)) == before + len(txs))
        for p in crowd:
            p.sync()
        assert sum(asked(*crowd)) == before + len(txs)
    assert asked(*crowd) == [len(txs)] * len(crowd)
    for p in crowd:
        assert len({i.hash for i in p.requests()}) == len(txs)
        # in the order in which they were announced
        first = p.received("getdata")[0].items
        order = [t.wtxid_bytes for t in txs]
        assert sorted(first, key=lambda i: order.index(i.hash)) == first


def test_a_busy_peer_is_given_time(node, peers):
    peer = peers()
    peer.announce(*unknown(MAX_IN_FLIGHT))
    node.advance(DELAY)
    wait_until(lambda: asked(peer) == [MAX_IN_FLIGHT])
    peer.announce(*unknown(1))
    node.advance(2 * DELAY - 1)
    peer.sync()
    assert asked(peer) == [MAX_IN_FLIGHT]
    node.advance(1)
    wait_until(lambda: asked(peer) == [MAX_IN_FLIGHT + 1])


def test_announcements_are_capped(node, peers):
    peer = peers()
    txs = unknown(MAX_ANNOUNCEMENTS + 1)
    peer.announce(*txs)
    node.advance(DELAY)
    wait_until(lambda: asked(peer) == [MAX_ANNOUNCEMENTS])
    peer.sync()
    assert asked(peer) == [MAX_ANNOUNCEMENTS]
    assert not peer.asked_for(txs[-1])
    # asked for in messages of 1000, and answered they make room
    assert [len(m.items) for m in peer.received("getdata")] == [1000] * 5
    peer.send_and_sync(NotFound(peer.requests()[:1]))
    peer.announce(txs[-1])
    node.advance(2 * DELAY)
    peer.wait_asked(txs[-1])


def test_relay_permission_lifts_the_limits(lab, params):
    node = lab.node("-whitelist=relay@127.0.0.1", params=params)
    node.generatetodescriptor(1, "raw(51)")
    node.set_time(node.tip_header()["time"] + 1)
    peer = node.add_peer(TxPeer)
    peer.announce(*unknown(MAX_ANNOUNCEMENTS + 100))
    node.advance(DELAY)          # busy or not
    wait_until(lambda: asked(peer) == [MAX_ANNOUNCEMENTS + 100])


def asked_of_the_first(node, peers):
    """Two peers and a transaction that both announce."""
    first, second = peers(2)
    (tx,) = unknown(1)
    first.announce(tx)
    node.advance(DELAY)
    first.wait_asked(tx)
    second.announce(tx)
    return first, second, tx


def test_a_peer_that_leaves_makes_way(node, peers):
    first, second, tx = asked_of_the_first(node, peers)
    node.advance(DELAY)
    second.sync()
    assert not second.requests()
    first.close()
    second.wait_asked(tx)


def test_notfound_makes_way(node, peers):
    first, second, tx = asked_of_the_first(node, peers)
    node.advance(DELAY)
    first.send(NotFound([Inv(MSG_WTX, tx.wtxid_bytes)]))
    second.wait_asked(tx)


def test_spurious_notfound_changes_nothing(node, peers):
    peer = peers()
    peer.send_and_sync(NotFound([Inv(MSG_TX, os.urandom(32)), Inv(MSG_WTX, bytes(32))]))
    peer.announce(*unknown(1))
    node.advance(DELAY)
    wait_until(lambda: asked(peer) == [1])


def test_outgoing_peers_are_asked_at_once(node, peers):
    inbound, outbound = peers(), node.add_outbound(cls=TxPeer)
    (tx,) = unknown(1)
    inbound.announce(tx)
    outbound.announce(tx)
    outbound.wait_asked(tx)
    node.advance(REQUEST_TIMEOUT - 1)
    inbound.sync()
    assert not inbound.requests()
    node.advance(1)
    inbound.wait_asked(tx)


def test_noban_peers_are_asked_at_once(lab, params):
    node = lab.node("-whitelist=noban@127.0.0.1", params=params)
    node.generatetodescriptor(1, "raw(51)")
    node.set_time(node.tip_header()["time"] + 1)
    peer = node.add_peer(TxPeer)
    (tx,) = unknown(1)
    peer.announce(tx)
    peer.wait_asked(tx)


def test_txids_wait_while_others_use_wtxids(node, peers):
    old = peers(wtxidrelay=False)
    a, b = unknown(2)
    old.announce(a)
    node.advance(DELAY)
    old.wait_asked(a)
    new = peers()
    old.announce(b)
    node.advance(2 * DELAY - 1)
    old.sync()
    assert not old.asked_for(b)
    node.advance(1)
    old.wait_asked(b)
    assert not new.requests()


def test_each_is_asked_by_the_kind_of_id_it_uses(node, peers):
    """Without witness both ids are the same."""
    old, new = peers(wtxidrelay=False), peers()
    (tx,) = unknown(1)
    old.announce(tx)
    new.announce(tx)
    node.advance(DELAY)
    new.wait_asked(tx)
    node.advance(DELAY)
    new.send(NotFound([Inv(MSG_WTX, tx.wtxid_bytes)]))
    old.wait_asked(tx)
    assert {i.kind & ~(1 << 30) for i in old.requests()} == {MSG_TX}
    assert {i.kind for i in new.requests()} == {MSG_WTX}


def test_refusals_are_forgotten_with_a_block(node, wallet, peers):
    coin = wallet.get_utxo(confirmed_only=True)
    tx = wallet.create(utxos=[coin], locktime=node.getblockcount() + 1, sequence=0)
    peer = peers()
    peer.announce(tx)
    node.advance(DELAY)
    peer.wait_asked(tx)
    peer.send_and_sync(TxMsg(tx))           # not final yet
    assert tx.txid not in node.getrawmempool()
    peer.clear()
    peer.announce(tx)
    node.advance(REQUEST_TIMEOUT)
    peer.sync()
    assert not peer.requests()
    wallet.generate(1)
    peer.announce(tx)
    node.advance(DELAY)
    peer.wait_asked(tx)
    peer.send_and_sync(TxMsg(tx))
    assert tx.txid in node.getrawmempool()
    wallet.scan_tx(tx)


def test_confirmed_transactions_are_not_asked_for(node, wallet, peers):
    tx = wallet.create(confirmed_only=True)
    peer = peers()
    node.generateblock("raw(51)", [tx.hex()])
    peer.announce(tx)
    node.advance(REQUEST_TIMEOUT)
    peer.sync()
    assert not peer.requests()
    tip = node.getbestblockhash()
    node.invalidateblock(tip)               # now it may be wanted again
    node.reconsiderblock(tip)
    assert node.getbestblockhash() == tip


def test_unknown_blocks_are_asked_for_by_headers(node, peers):
    peer = peers()
    peer.send_and_sync(InvMsg([Inv(MSG_BLOCK, os.urandom(32))]))
    peer.wait_for("getheaders")
    assert not peer.requests()


def test_many_getdata_entries_are_answered(node, peers):
    """A flood of requests for what we do not have costs little and is answered whole."""
    peer = peers()
    items = [Inv(MSG_WTX, t.wtxid_bytes) for t in unknown(50_000)]
    peer.send(GetData(items))
    got = peer.wait(lambda p: p.last.get("notfound"))
    assert got.items == items
