"""Invalid transactions: what becomes of who sends them, and of orphans around them
(p2p_invalid_tx)."""
import re

import pytest

from framework import fixtures
from framework.blocks import create_coinbase
from framework.messages import Raw, TxMsg
from framework.p2p import TxPeer
from framework.primitives import OutPoint, TxIn, TxOut
from framework.util import wait_until


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(130)


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    return node.add_peer(TxPeer)


def too_much(tx, _):
    tx.vout[0].value *= 2


def negative(tx, _):
    tx.vout[0].value = -1


def above_all_money(tx, params):
    tx.vout[0].value = 21_000_000 * params.coin + 1


def sums_above_all_money(tx, params):
    tx.vout = [TxOut(21_000_000 * params.coin, b"\x51")] * 2


def doubled_input(tx, _):
    tx.vin.append(tx.vin[0])


def no_outputs(tx, _):
    tx.vout = []


def null_input(tx, _):
    tx.vin.append(TxIn(OutPoint("00" * 32, 0xffffffff)))


def wrong_script(tx, _):
    tx.vin[0].witness[0] = b"\x00"


CONSENSUS = {
    "bad-txns-in-belowout": too_much,
    "bad-txns-vout-negative": negative,
    "bad-txns-vout-toolarge": above_all_money,
    "bad-txns-txouttotal-toolarge": sums_above_all_money,
    "bad-txns-inputs-duplicate": doubled_input,
    "bad-txns-vout-empty": no_outputs,
    "bad-txns-prevout-null": null_input,
    "mandatory-script-verify-flag-failed": wrong_script,
}


@pytest.mark.parametrize("reason", CONSENSUS)
def test_never_valid_ends_the_connection(node, wallet, peer, reason):
    if reason.endswith("toolarge") and node.params.tickets:
        pytest.skip("amounts of Ochre's money supply are tested in test_mempool_accept.py")
    tx = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True, keep=True)])
    CONSENSUS[reason](tx, node.params)
    marker = node.log_size()
    peer.send(TxMsg(tx))
    peer.wait_disconnect()
    node.wait_log(reason, marker)
    assert tx.txid not in node.getrawmempool()


def test_coinbase_ends_the_connection(node, peer):
    marker = node.log_size()
    peer.send(TxMsg(create_coinbase(node.params, 7777)))
    peer.wait_disconnect()
    node.wait_log("was not accepted: coinbase", marker)


def test_not_relayed_is_no_offence(node, wallet, peer):
    """Policy differs from node to node, and fees and double spends are no crime."""
    coin = wallet.get_utxo(confirmed_only=True, keep=True)
    for tx, reason in (
            (wallet.create(utxos=[coin], version=4), "version"),
            (wallet.create(utxos=[coin], locktime=10 ** 6, sequence=1), "non-final"),
            (wallet.create(utxos=[coin], fee=1), "min relay fee not met"),
            (wallet.create(utxos=[coin], extra_outputs=[TxOut(1, b"\x51\x20" + bytes(32))]),
             "dust")):
        marker = node.log_size()
        peer.send_and_sync(TxMsg(tx))
        node.wait_log(re.compile(f"{tx.txid}.*not accepted: .*{reason}"), marker)
    assert node.getpeerinfo()


@pytest.mark.parametrize("payload, why", [
    (b"", "end of data"),
    (b"\x02\x00\x00\x00\x00\x02" + bytes(50), "Unknown transaction optional data"),
])
def test_malformed_is_ignored(node, peer, payload, why):
    marker = node.log_size()
    peer.send_and_sync(Raw("tx", payload))
    node.wait_log(f"Exception '{why}' caught", marker)


def test_orphans_around_an_invalid_one(node, wallet, peer):
    """Of the children of one parent, one is fine, one pays too little, one spends more than
    there is: only the sender of the last is to blame."""
    root = wallet.create(confirmed_only=True, outputs=3)
    coins = wallet.outputs_of(root)
    good = wallet.create(utxos=[coins[0]])
    below = wallet.create(utxos=[coins[1]], fee=0)
    bad = wallet.create(utxos=[coins[2]])
    bad.vout[0].value = 2 * coins[2].value
    grandchild = wallet.create(utxos=wallet.outputs_of(good))
    innocent = node.add_peer(TxPeer)
    innocent.send_and_sync(*map(TxMsg, (grandchild, good, below)))
    peer.send_and_sync(TxMsg(bad))
    assert len(node.getorphantxs()) == 4
    innocent.send_and_sync(TxMsg(root))
    peer.wait_disconnect()
    wait_until(lambda: not node.getorphantxs())
    pool = node.getrawmempool()
    assert {root.txid, good.txid, grandchild.txid} <= set(pool)
    assert not {below.txid, bad.txid} & set(pool)
    innocent.sync()


def test_orphans_of_an_invalid_parent_go(node, wallet, peer):
    parent = wallet.create(confirmed_only=True)
    child = wallet.create(utxos=wallet.outputs_of(parent))
    parent.vin[0].witness = []              # as if it needed none: stripped
    other = node.add_peer(TxPeer)
    other.send_and_sync(TxMsg(child))
    peer.send_and_sync(TxMsg(parent))
    assert node.getorphantxs() == [child.txid]      # a true witness may come
    other.close()
    wait_until(lambda: not node.getorphantxs())


def test_orphans_leave_with_their_sender(node, wallet, peer):
    parent = wallet.create(confirmed_only=True, outputs=20)
    for coin in wallet.outputs_of(parent):
        peer.send(TxMsg(wallet.create(utxos=[coin])))
    peer.sync()
    assert len(node.getorphantxs()) == 20
    marker = node.log_size()
    peer.close()
    node.wait_log("Erased 20 orphan transaction(s) from peer=", marker)
    assert not node.getorphantxs()
