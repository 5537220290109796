"""Without transaction relay: -blocksonly, block-relay-only connections, and what permissions
allow all the same."""
import pytest

from framework.messages import MSG_WTX, Inv, InvMsg, TxMsg
from framework.util import wait_until
from framework.wallet import MiniWallet


@pytest.fixture
def node(lab, params):
    node = lab.node("-blocksonly", params=params)
    assert node.getnetworkinfo()["localrelay"] is False
    return node


def _wallet(node):
    wallet = MiniWallet(node)
    wallet.generate(102)
    return wallet


def test_transactions_are_not_wanted(node):
    tx = _wallet(node).create(confirmed_only=True)
    peer = node.add_peer()
    assert peer.last["version"].relay is False
    start = node.log_size()
    peer.send(TxMsg(tx))
    peer.wait_disconnect()
    node.wait_log("transaction sent in violation of protocol peer=0", start)
    peer = node.add_peer()
    peer.send(InvMsg([Inv(MSG_WTX, tx.wtxid_bytes)]))
    peer.wait_disconnect()
    node.wait_log("inv sent in violation of protocol, disconnecting peer=1", start)
    assert node.getrawmempool() == []


def test_own_transactions_go_out(node):
    wallet = _wallet(node)
    node.set_time(node.tip_header()["time"] + 1)
    peer = node.add_peer()
    assert "feefilter" not in peer.count
    tx = wallet.send(confirmed_only=True)
    node.advance(120)
    peer.wait(lambda p: tx.wtxid_bytes in p.announced(MSG_WTX))


def test_relay_permission(lab, params):
    node = lab.node("-blocksonly", "-whitelist=relay@127.0.0.1", params=params)
    wallet = _wallet(node)
    node.set_time(node.tip_header()["time"] + 1)
    first, second = node.add_peer(), node.add_peer()
    assert node.getpeerinfo()[0]["permissions"] == ["relay"]
    tx = wallet.create(confirmed_only=True)
    first.send_and_sync(TxMsg(tx))
    wait_until(lambda: tx.txid in node.getrawmempool())
    node.advance(120)
    second.wait(lambda p: tx.wtxid_bytes in p.announced(MSG_WTX))


def test_forcerelay_permission(lab, params):
    """Transactions of such peers are asked for, taken and passed on."""
    node = lab.node("-blocksonly", "-whitelist=relay@127.0.0.1", "-whitelistforcerelay",
                    params=params)
    wallet = _wallet(node)
    node.set_time(node.tip_header()["time"] + 1)
    first, second = node.add_peer(), node.add_peer()
    tx = wallet.create(confirmed_only=True)
    start = node.log_size()
    first.send_and_sync(TxMsg(tx))
    wait_until(lambda: tx.txid in node.getrawmempool())
    node.advance(120)
    second.wait_for("tx", lambda m: m.tx.txid == tx.txid)
    node.wait_log(f"received getdata for: wtx {tx.wtxid} peer=", start)


def test_block_relay_only_connection(lab, params):
    node = lab.node(params=params)
    tx = _wallet(node).create(confirmed_only=True)
    peer = node.add_outbound("block-relay-only")
    assert peer.last["version"].relay is False
    assert "getaddr" not in peer.count and "feefilter" not in peer.count
    (info,) = node.getpeerinfo()
    assert info["connection_type"] == "block-relay-only" and info["relaytxes"] is False
    assert info["addr_relay_enabled"] is False
    peer.send(TxMsg(tx))
    peer.wait_disconnect()
