"""With a full mempool, a transaction that pays too little enters with a child that pays for
both, in whichever order they come (p2p_opportunistic_1p1c)."""
import pytest

from framework import fixtures
from framework.messages import TxMsg
from framework.p2p import TxPeer
from framework.packages import fill
from framework.util import wait_until
from framework.wallet import MiniWallet

DELAY = 4                # of a request by txid, to a peer that connected to us
LOW, HIGH = 1000, 50_000 # fee rates per kvB: what is relayed at all, and plenty


node = fixtures.node_of_each("-maxmempool=5", "-datacarriersize=100000", stopped_clock=True)
legacy = fixtures.legacy_wallet(4)


@pytest.fixture(scope="module")
def wallet(node, legacy):
    wallet = MiniWallet(node)
    wallet.generate(185)
    wallet.send(outputs=60, confirmed_only=True)
    wallet.generate(1)
    assert fill(wallet) > 2 * LOW
    return wallet


peers = fixtures.peers(TxPeer)


def pair(wallet, fee_rate=HIGH, **kwargs):
    """A parent that pays too little, and its child."""
    parent = wallet.create(confirmed_only=True, fee_rate=LOW, **kwargs)
    return parent, wallet.create(utxos=wallet.outputs_of(parent), fee_rate=fee_rate)


def pooled(node, *txs):
    return {t.txid for t in txs} <= set(node.getrawmempool())


def test_parent_then_child(node, wallet, peers):
    """The parent is asked for again, now by txid."""
    parent, child = pair(wallet)
    peer = peers()
    peer.announce(parent)
    node.advance(2)
    peer.wait_asked(parent)
    marker = node.log_size()
    peer.send_and_sync(TxMsg(parent))
    node.wait_log("failed but reconsiderable, looking for child in orphanage", marker)
    assert not pooled(node, parent)
    peer.clear()
    peer.announce(parent)                   # by itself it is not wanted any more
    node.advance(60)
    peer.sync()
    assert not peer.requests()
    peer.send_and_sync(TxMsg(child))
    node.advance(DELAY)
    peer.wait_asked(parent)
    marker = node.log_size()
    peer.send_and_sync(TxMsg(parent))
    node.wait_log("in reconsiderable rejects, looking for child in orphanage", marker)
    assert pooled(node, parent, child)


def test_child_then_parent(node, wallet, peers):
    parent, child = pair(wallet)
    peer = peers()
    peer.send_and_sync(TxMsg(child))
    node.advance(DELAY)
    peer.wait_asked(parent)
    marker = node.log_size()
    peer.send_and_sync(TxMsg(parent))
    node.wait_log("package accepted", marker)
    assert pooled(node, parent, child)
    assert not node.getorphantxs()


def test_packages_are_announced(node, wallet, peers):
    parent, child = pair(wallet)
    sender, other = peers(2)
    node.advance(60)
    other.sync()
    sender.send_and_sync(TxMsg(child), TxMsg(parent))
    assert pooled(node, parent, child)
    node.advance(60)
    other.wait(lambda p: {parent.wtxid_bytes, child.wtxid_bytes} <= set(p.announced()))


def test_parents_without_witness(node, legacy, peers):
    parent, child = pair(legacy)
    peer = peers()
    peer.send_and_sync(TxMsg(parent), TxMsg(child))
    node.advance(DELAY)
    peer.wait_asked(parent)
    peer.send_and_sync(TxMsg(parent))
    assert pooled(node, parent, child)


def test_poor_child_then_rich_one(node, wallet, peers):
    """A package that failed is not tried again; another one is."""
    parent, poor = pair(wallet, fee_rate=LOW)
    rich = wallet.create(utxos=wallet.outputs_of(parent), fee_rate=HIGH)
    peer = peers()
    marker = node.log_size()
    peer.send_and_sync(TxMsg(poor), TxMsg(parent))
    node.wait_log("package rejected", marker)
    assert not node.getorphantxs() and not pooled(node, parent)
    for tx in (poor, parent):
        peer.announce(tx)
    node.advance(60)
    peer.sync()
    assert not peer.requests()
    peer.send_and_sync(TxMsg(rich))
    node.advance(DELAY)
    peer.wait_asked(parent)
    peer.send_and_sync(TxMsg(parent))
    assert pooled(node, parent, rich) and not pooled(node, poor)


def test_newest_child_first(node, wallet, peers):
    parent, first = pair(wallet, fee_rate=HIGH)
    bumped = wallet.create(utxos=wallet.outputs_of(parent), fee_rate=2 * HIGH)
    peer = peers()
    peer.send_and_sync(TxMsg(first), TxMsg(bumped), TxMsg(parent))
    assert pooled(node, parent, bumped)
    wait_until(lambda: not node.getorphantxs())


def test_child_of_another_peer(node, wallet, peers):
    parent, child = pair(wallet)
    first, second = peers(2)
    first.send_and_sync(TxMsg(child))
    second.send_and_sync(TxMsg(parent))
    assert pooled(node, parent, child)


def test_fake_children_of_others_do_not_come_first(node, wallet, peers):
    parent, child = pair(wallet, outputs=2)
    honest, liar = peers(2)
    fakes = [child.copy() for _ in range(3)]
    for i, fake in enumerate(fakes):
        fake.vin[0].witness = [b"\x50" + bytes([i])] + fake.vin[0].witness
    honest.send_and_sync(TxMsg(child))
    liar.send_and_sync(*map(TxMsg, fakes))
    honest.send_and_sync(TxMsg(parent))
    assert pooled(node, parent, child)


def test_invalid_child(node, wallet, peers):
    """Its sender goes; parent and package are not to be tried again, another child is."""
    parent, good = pair(wallet)
    bad = good.copy()
    bad.vin[0].witness[0] = b"\x00"         # not the script that the output commits to
    liar, honest = peers(2)
    liar.send_and_sync(TxMsg(bad))
    node.advance(DELAY)
    liar.wait_asked(parent)
    liar.send(TxMsg(parent))
    liar.wait_disconnect()
    assert not node.getorphantxs() and not pooled(node, parent)
    honest.send_and_sync(TxMsg(good))
    node.advance(DELAY)
    honest.wait_asked(parent)
    honest.send_and_sync(TxMsg(parent))
    assert pooled(node, parent, good)


def test_invalid_parent(node, wallet, peers):
    """Too little is paid, but worse comes out once somebody pays."""
    parent, child = pair(wallet)
    bad = parent.copy()
    bad.vin[0].witness[0] = b"\x00"
    liar, honest = peers(2)
    liar.send(TxMsg(child), TxMsg(bad))
    liar.wait_disconnect()
    assert not pooled(node, parent)
    honest.send_and_sync(TxMsg(child))
    node.advance(DELAY)
    honest.wait_asked(parent)
    honest.send_and_sync(TxMsg(parent))
    assert pooled(node, parent, child)


def test_two_poor_parents(node, wallet, peers):
    """One of them enters neither alone nor with the child, who lacks the other."""
    parents = [wallet.create(confirmed_only=True, fee_rate=LOW) for _ in range(2)]
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in parents], fee_rate=HIGH)
    peer = peers()
    peer.send_and_sync(TxMsg(child))
    node.advance(DELAY)
    peer.wait_asked(*parents)
    peer.send_and_sync(*map(TxMsg, parents))
    assert not set(node.getrawmempool()) & {t.txid for t in (*parents, child)}


def test_other_parent_in_the_mempool(node, wallet, peers):
    first = wallet.send(confirmed_only=True, fee_rate=HIGH)
    parent = wallet.create(confirmed_only=True, fee_rate=LOW)
    child = wallet.create(utxos=wallet.outputs_of(first) + wallet.outputs_of(parent),
                          fee_rate=HIGH)
    peer = peers()
    peer.send_and_sync(TxMsg(child))
    node.advance(DELAY)
    peer.wait_asked(parent)
    assert not peer.asked_for(first)
    peer.send_and_sync(TxMsg(parent))
    assert pooled(node, first, parent, child)
    wallet.scan_tx(child)


def test_package_on_package(node, wallet, peers):
    """Two pairs, the second on top of the first; the youngest comes first."""
    parent, child = pair(wallet)
    poor = wallet.create(utxos=wallet.outputs_of(child), fee_rate=LOW)
    top = wallet.create(utxos=wallet.outputs_of(poor), fee_rate=HIGH)
    peer = peers()
    peer.send_and_sync(*map(TxMsg, (top, poor, child)))
    assert len(node.getorphantxs()) == 3
    peer.send_and_sync(TxMsg(parent))
    wait_until(lambda: pooled(node, parent, child, poor, top))
    assert not node.getorphantxs()


def test_replacement_by_a_package(node, wallet, peers):
    coin = wallet.get_utxo(confirmed_only=True)
    old = wallet.create(utxos=[coin], fee_rate=HIGH)
    wallet.broadcast(old)
    parent = wallet.create(utxos=[coin], fee_rate=LOW)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee_rate=4 * HIGH)
    peer = peers()
    peer.send_and_sync(TxMsg(child), TxMsg(parent))
    assert pooled(node, parent, child) and not pooled(node, old)
    wallet.scan_tx(parent)
    wallet.scan_tx(child)


def test_a_block_forgets_refusals(node, wallet, peers):
    parent, poor = pair(wallet, fee_rate=LOW)
    peer = peers()
    peer.send_and_sync(TxMsg(poor), TxMsg(parent))
    assert not pooled(node, parent)
    node.generateblock("raw(51)", [])
    peer.announce(parent)
    node.advance(2)
    peer.wait_asked(parent)
