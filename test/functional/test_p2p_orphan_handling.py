"""Transactions whose parents are missing: which parents are asked for, of whom and when,
what is kept, and what becomes of it (p2p_orphan_handling)."""
import pytest

from framework import fixtures
from framework.messages import Inv, MSG_WITNESS_TX, NotFound, TxMsg
from framework.p2p import TxPeer
from framework.rpc import expect_error
from framework.util import wait_until
from framework.wallet import MiniWallet

PEER_DELAY = 2          # of peers that connected to the node
TXID_DELAY = 2          # of requests by txid, while others use wtxids
REQUEST_TIMEOUT = 60
EXPIRY = 20 * 60


node = fixtures.node_of_each(stopped_clock=True)
legacy = fixtures.legacy_wallet(4)


@pytest.fixture(scope="module")
def wallet(node, legacy):
    wallet = MiniWallet(node)
    wallet.generate(102)
    wallet.send(outputs=100)
    wallet.generate(1)
    return wallet


peers = fixtures.peers(TxPeer)


def family(wallet, generations=2, **kwargs):
    """Transactions of which each spends the one before."""
    return wallet.chain(generations, wallet.get_utxo(confirmed_only=True), **kwargs)


def orphans(node):
    return set(node.getorphantxs())


def other_witness(tx):
    """The same transaction by its txid, with a witness that is not relayed."""
    tx = tx.copy()
    tx.vin[0].witness = tx.vin[0].witness + [b"\x50"]    # an annex
    return tx


def refused(tx):
    """Of a version that is not relayed, whatever its witness."""
    tx.version = 4
    return tx


def test_parents_are_asked_for_after_a_while(node, wallet, peers):
    parent, child = family(wallet)
    peer = peers()
    peer.send_and_sync(TxMsg(child))
    assert orphans(node) == {child.txid}
    node.advance(PEER_DELAY + TXID_DELAY - 1)
    peer.sync()
    assert not peer.requests()
    node.advance(1)
    peer.wait_asked(parent)
    assert peer.requests() == [Inv(MSG_WITNESS_TX, parent.txid_bytes)]
    peer.send(TxMsg(parent))
    wait_until(lambda: {parent.txid, child.txid} <= set(node.getrawmempool()))
    assert not orphans(node)


def test_a_parent_that_comes_in_time_is_not_asked_for(node, wallet, peers):
    parent, child = family(wallet)
    peer = peers()
    peer.announce(child, parent)
    node.advance(PEER_DELAY)
    peer.wait_asked(child, parent)
    peer.send_and_sync(TxMsg(child))
    assert orphans(node) == {child.txid}
    node.advance(1)
    peer.send_and_sync(TxMsg(parent))
    node.advance(60)
    peer.sync()
    assert len(peer.requests()) == 2
    assert {parent.txid, child.txid} <= set(node.getrawmempool())


def test_orphans_of_a_refused_parent_are_not_kept(node, wallet, legacy, peers):
    parent = refused(legacy.create(confirmed_only=True))
    legacy.sign(parent)
    child = legacy.create(utxos=legacy.outputs_of(parent))
    grandchild = legacy.create(utxos=legacy.outputs_of(child))
    peer = peers()
    peer.send_and_sync(TxMsg(parent))
    for tx in (child, grandchild):        # inherited by txid
        marker = node.log_size()
        peer.send_and_sync(TxMsg(tx))
        node.wait_log(f"not keeping orphan with rejected parents {tx.txid}", marker)
    assert not orphans(node)
    peer.announce(child, grandchild)
    node.advance(60)
    peer.sync()
    assert not peer.requests()


def test_another_witness_of_the_parent_may_be_fine(node, wallet, peers):
    parent, child = family(wallet)
    bad, good = peers(2)
    bad.send_and_sync(TxMsg(other_witness(parent)))
    assert parent.txid not in node.getrawmempool()
    good.send_and_sync(TxMsg(child))
    assert orphans(node) == {child.txid}
    node.advance(PEER_DELAY + TXID_DELAY)
    good.wait_asked(parent)
    good.send(TxMsg(parent))
    wait_until(lambda: {parent.txid, child.txid} <= set(node.getrawmempool()))


def test_only_missing_parents_are_asked_for(node, wallet, peers):
    pooled = wallet.send(confirmed_only=True)
    refused_by_fee = wallet.create(confirmed_only=True, fee=0)
    missing = [wallet.create(confirmed_only=True, outputs=2) for _ in range(2)]
    coins = [wallet.get_utxo(confirmed_only=True), wallet.outputs_of(pooled)[0],
             *wallet.outputs_of(missing[0]), wallet.outputs_of(missing[1])[0],
             wallet.outputs_of(refused_by_fee)[0]]
    child = wallet.create(utxos=coins)
    peer = peers()
    peer.send_and_sync(TxMsg(refused_by_fee), TxMsg(child))
    assert orphans(node) == {child.txid}
    node.advance(PEER_DELAY + TXID_DELAY)
    peer.wait_asked(*missing, refused_by_fee)
    assert len(peer.requests()) == 3
    wallet.scan_tx(pooled)


def test_two_parents_without_fees_are_too_many(node, wallet, legacy, peers):
    """One child cannot pay for both, as packages have one parent. Without witness the
    txid tells that they are refused."""
    parents = [legacy.create(confirmed_only=True, fee=0) for _ in range(2)]
    child = legacy.create(utxos=[legacy.outputs_of(p)[0] for p in parents], fee=50_000)
    peer = peers()
    peer.send_and_sync(*map(TxMsg, parents))
    marker = node.log_size()
    peer.send_and_sync(TxMsg(child))
    node.wait_log(f"not keeping orphan with rejected parents {child.txid}", marker)
    assert not orphans(node)


def test_shared_parents_are_asked_for_once(node, wallet, peers):
    parents = [wallet.create(confirmed_only=True, outputs=2) for _ in range(3)]
    a, b, c = (wallet.outputs_of(p) for p in parents)
    peer = peers()
    for coins in ([a[0], b[0]], [b[1], c[0]]):
        peer.send_and_sync(TxMsg(wallet.create(utxos=coins)))
    node.advance(PEER_DELAY + TXID_DELAY)
    peer.wait_asked(*parents)
    assert sorted(i.hash for i in peer.requests()) == sorted(p.txid_bytes for p in parents)
    assert len(orphans(node)) == 2


def test_orphans_of_orphans(node, wallet, peers):
    grandparent, parent, child = txs = family(wallet, 3)
    peer = peers()
    peer.send_and_sync(TxMsg(child))
    node.advance(PEER_DELAY + TXID_DELAY)
    peer.wait_asked(parent)
    peer.send_and_sync(TxMsg(parent))
    assert orphans(node) == {parent.txid, child.txid}
    node.advance(PEER_DELAY + TXID_DELAY)
    peer.wait_asked(grandparent)
    peer.send(TxMsg(grandparent))
    wait_until(lambda: {t.txid for t in txs} <= set(node.getrawmempool()))
    assert not orphans(node)


def test_orphans_with_the_same_txid(node, wallet, peers):
    grandparent, parent, child = txs = family(wallet, 3)
    honest, liar = peers(2)
    liar.send_and_sync(TxMsg(other_witness(parent)))
    honest.send_and_sync(TxMsg(child))
    honest.send_and_sync(TxMsg(parent))
    assert sorted(o["wtxid"] for o in node.getorphantxs(1)) == sorted(
        t.wtxid for t in (parent, child, other_witness(parent)))
    liar.send(TxMsg(grandparent))
    wait_until(lambda: {t.txid for t in txs} <= set(node.getrawmempool()))
    wait_until(lambda: not orphans(node))


def test_a_txid_is_asked_for_although_an_orphan_has_it(node, wallet, peers):
    """Whether that orphan is the true one nobody knows yet."""
    parent, child = family(wallet)
    liar, old = peers(), peers(wtxidrelay=False)
    liar.send_and_sync(TxMsg(other_witness(child)))
    assert orphans(node) == {child.txid}
    old.announce(child)
    node.advance(PEER_DELAY + TXID_DELAY)
    old.wait_asked(child)
    old.send_and_sync(TxMsg(child))
    assert len(node.getorphantxs()) == 2
    old.send(TxMsg(parent))
    wait_until(lambda: {parent.txid, child.txid} <= set(node.getrawmempool()))


def many_orphans(wallet, count):
    """Each spends an output of a transaction that nobody sends."""
    parent = wallet.create(confirmed_only=True, outputs=count, fee=100_000)
    return [wallet.create(utxos=[u]) for u in wallet.outputs_of(parent)]


def test_a_flood_pushes_out_orphans_of_its_sender(node, wallet, peers):
    honest, flooder = peers(2)
    ours, theirs = many_orphans(wallet, 20), many_orphans(wallet, 101)
    honest.send_and_sync(*map(TxMsg, ours))
    marker = node.log_size()
    flooder.send_and_sync(*map(TxMsg, theirs))
    node.wait_log("orphanage overflow, removed 1 tx", marker)
    kept = node.getorphantxs(1)
    assert len(kept) == 100
    assert {t.txid for t in ours} | {t.txid for t in theirs[21:]} == {
        o["txid"] for o in kept}


@pytest.mark.parametrize("most", [2, 0, -1])
def test_the_bound_can_be_set(lab, params, most):
    node = lab.node(f"-maxorphantx={most}", params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    txs = many_orphans(wallet, 4)
    node.add_peer(TxPeer).send_and_sync(*map(TxMsg, txs))
    assert len(node.getorphantxs()) == max(most, 0)


def test_an_orphan_stays_while_one_peer_has_it(node, wallet, peers):
    parent, child = family(wallet)
    first, second = peers(2)
    first.send_and_sync(TxMsg(child))
    second.announce(child)
    ids = [p["id"] for p in node.getpeerinfo()]
    (orphan,) = node.getorphantxs(2)
    assert sorted(orphan["from"]) == ids and orphan["hex"] == child.hex()
    first.close()
    wait_until(lambda: len(node.getpeerinfo()) == 1)
    assert orphans(node) == {child.txid}
    node.advance(PEER_DELAY + TXID_DELAY)
    second.wait_asked(parent)
    assert not second.asked_for(child)
    second.send(TxMsg(parent))
    wait_until(lambda: child.txid in node.getrawmempool())


def test_all_who_announced_it_are_asked_for_parents(node, wallet, peers):
    parent, child = family(wallet)
    before, sender, after = peers(3)
    before.announce(child)
    sender.send_and_sync(TxMsg(child))
    after.announce(child)
    node.advance(PEER_DELAY + TXID_DELAY)
    asked = set()
    for _ in range(3):                     # one after the other, in any order
        def more():
            return {p for p in (before, sender, after) if p.asked_for(parent)} - asked
        (peer,) = wait_until(more, what="for a request of the parent")
        asked.add(peer)
        if len(asked) == 1:
            peer.send_and_sync(NotFound([Inv(MSG_WITNESS_TX, parent.txid_bytes)]))
        else:
            node.advance(REQUEST_TIMEOUT)
    peer.send(TxMsg(parent))
    wait_until(lambda: child.txid in node.getrawmempool())


def test_outgoing_peers_are_asked_first(node, wallet, peers):
    parent, child = family(wallet)
    inbound = peers()
    inbound.send_and_sync(TxMsg(child))
    outbound = node.add_outbound(cls=TxPeer)
    outbound.announce(child)
    node.advance(TXID_DELAY)               # no delay for the kind of peer
    outbound.wait_asked(parent)
    node.advance(PEER_DELAY)
    inbound.sync()
    assert not inbound.requests()
    node.advance(REQUEST_TIMEOUT)
    inbound.wait_asked(parent)


def test_parents_that_came_meanwhile_are_not_asked_for(node, wallet, peers):
    parents = [wallet.create(confirmed_only=True) for _ in range(2)]
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in parents])
    first, second = peers(2)
    first.send_and_sync(TxMsg(child))
    wallet.broadcast(parents[0])
    second.announce(child)
    first.close()
    wait_until(lambda: len(node.getpeerinfo()) == 1)
    node.advance(PEER_DELAY + TXID_DELAY)
    second.wait_asked(parents[1])
    assert len(second.requests()) == 1


def test_orphans_expire(node, wallet, peers):
    _, child = family(wallet)
    peer = peers()
    peer.send_and_sync(TxMsg(child))
    node.advance(EXPIRY - 1)
    peer.sync()
    assert orphans(node) == {child.txid}
    marker = node.log_size()
    node.advance(1)
    node.wait_log("Erased 1 orphan tx due to expiration", marker)
    assert not orphans(node)


def test_a_block_brings_parents_and_ends_rivals(node, wallet, peers):
    parent, child = family(wallet)
    coin = wallet.get_utxo(confirmed_only=True)
    unknown = wallet.outputs_of(wallet.create(confirmed_only=True))[0]
    orphan = wallet.create(utxos=[coin, unknown])
    rival = wallet.create(utxos=[coin], fee=5000)
    peer = peers()
    peer.send_and_sync(TxMsg(child), TxMsg(orphan))
    assert orphans(node) == {child.txid, orphan.txid}
    node.generateblock("raw(51)", [parent.hex(), rival.hex()])
    peer.sync()
    wait_until(lambda: child.txid in node.getrawmempool())
    assert not orphans(node)


def test_arguments_of_getorphantxs(node):
    assert node.getorphantxs(verbosity=0) == []
    for bad in (3, -1):
        expect_error(-8, f"Invalid verbosity value {bad}", node.getorphantxs, bad)
    expect_error(-3, "Verbosity was boolean but only integer allowed",
                 node.getorphantxs, True)
