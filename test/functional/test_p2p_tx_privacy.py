"""What the time and the contents of announcements tell about a transaction's origin
(p2p_tx_privacy, p2p_leak_tx)."""
import pytest

from framework import fixtures
from framework.messages import GetData, Inv, MSG_TX, MSG_WTX, TxMsg, Verack, Wtxidrelay
from framework.p2p import TxPeer
from framework.util import wait_until
from framework.wallet import MiniWallet

LONG = 120               # the next announcement is certainly due


class Spy(TxPeer):
    """Completes the handshake when told to."""

    def on_version(self, msg):
        pass


node = fixtures.node_of_each()


@pytest.fixture(scope="module")
def wallet(node):
    wallet = MiniWallet(node)
    wallet.generate(120)
    node.set_time(node.tip_header()["time"] + 1)
    return wallet


@pytest.fixture(autouse=True)
def _alone(node):
    yield
    node.disconnect_peers()


def told(node, peer, tx):
    """Lets time pass until the peer is told."""
    def announced():
        node.advance(10)
        return tx.wtxid_bytes in peer.announced()
    wait_until(announced)


def fetch(peer, inv):
    """The answer to a request: a transaction or notfound."""
    peer.clear()
    peer.send(GetData([inv]))
    return peer.wait(lambda p: p.last.get("tx") or p.last.get("notfound"))


def test_nothing_older_than_the_handshake_is_announced(node, wallet):
    origin = node.add_peer(TxPeer)
    spy = node.add_peer(Spy, ready=False)
    spy.wait_for("verack")
    old = wallet.create(confirmed_only=True)
    origin.send_and_sync(TxMsg(old))
    assert old.txid in node.getrawmempool()
    spy.send(Wtxidrelay(), Verack())
    spy.sync()
    young = wallet.create(confirmed_only=True)
    origin.send_and_sync(TxMsg(young))
    told(node, spy, young)
    spy.sync()
    assert old.wtxid_bytes not in spy.announced()
    assert fetch(spy, Inv(MSG_WTX, young.wtxid_bytes)).command == "tx"


def test_inbound_peers_share_a_timer(node, wallet):
    """More connections tell no more: all are told in the same moment, or none."""
    spies = [node.add_peer(TxPeer) for _ in range(5)]
    for _ in range(3):
        tx = wallet.send(confirmed_only=True)
        told(node, spies[0], tx)
        for spy in spies:
            spy.sync()
            assert tx.wtxid_bytes in spy.announced()


def test_announcements_are_sorted(node, wallet):
    """Parents first, then by fee rate: not in the order of arrival."""
    spy = node.add_peer(TxPeer)
    told(node, spy, wallet.send(confirmed_only=True))
    spy.clear()
    rates = [5000, 20_000, 3000, 10_000]
    txs = [wallet.send(confirmed_only=True, fee_rate=r) for r in rates]
    child = wallet.send(utxos=wallet.outputs_of(txs[2]), fee_rate=100_000)
    told(node, spy, child)
    ranked = [t for _, t in sorted(zip(rates, txs), key=lambda x: -x[0])]
    order = [h for h in spy.announced()]
    batches = [[i.hash for i in m.items] for m in spy.received("inv")]
    assert sorted(order) == sorted(t.wtxid_bytes for t in (*txs, child))
    if len(batches) == 1:       # no timer went off in between
        assert order == [t.wtxid_bytes for t in ranked + [child]]


def test_unannounced_transactions_are_not_served(node, wallet):
    spy = node.add_peer(TxPeer)
    told(node, spy, wallet.send(confirmed_only=True))
    tx = wallet.send(confirmed_only=True)
    for inv in (Inv(MSG_WTX, tx.wtxid_bytes), Inv(MSG_TX, tx.txid_bytes)):
        assert fetch(spy, inv).command == "notfound"
    told(node, spy, tx)
    assert fetch(spy, Inv(MSG_WTX, tx.wtxid_bytes)).tx.txid == tx.txid


def test_replaced_transactions_are_not_served(node, wallet):
    spy = node.add_peer(TxPeer)
    coin = wallet.get_utxo(confirmed_only=True)
    old = wallet.create(utxos=[coin], fee_rate=3000)
    wallet.broadcast(old)
    told(node, spy, old)
    new = wallet.create(utxos=[coin], fee_rate=30_000)
    wallet.broadcast(new)
    assert fetch(spy, Inv(MSG_WTX, old.wtxid_bytes)).command == "notfound"


def test_transactions_of_the_last_block_are_served(node, wallet):
    """Whoever was told of one may ask for it after it was mined; so may everybody."""
    spy = node.add_peer(TxPeer)
    tx = wallet.send(confirmed_only=True)
    wallet.generate(1)
    assert fetch(spy, Inv(MSG_WTX, tx.wtxid_bytes)).command == "tx"
    assert fetch(spy, Inv(MSG_TX, tx.txid_bytes)).command == "tx"
    wallet.generate(1)
    assert fetch(spy, Inv(MSG_WTX, tx.wtxid_bytes)).command == "notfound"


def test_what_a_lost_block_held_may_be_asked_for_at_once(node, wallet):
    """As in Core's mempool_reorg: but not what waits to be announced."""
    peer = node.add_peer(TxPeer)
    young = wallet.create(confirmed_only=True)
    mined = wallet.create(confirmed_only=True)
    node.sendrawtransaction(young.hex())
    block = node.generateblock(wallet.address, [mined.hex()])["hash"]
    node.generateblock(wallet.address, [])      # that of the latest block may be had, too

    def given():
        return [fetch(peer, Inv(MSG_WTX, t.wtxid_bytes)).command for t in (mined, young)]

    assert given() == ["notfound", "notfound"]
    node.invalidateblock(block)
    assert set(node.getrawmempool()) >= {mined.txid, young.txid}
    assert given() == ["tx", "notfound"]
