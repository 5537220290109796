"""Fee filters: which ones are sent to whom, and that they are heeded (p2p_feefilter,
p2p_ibd_txrelay)."""
import pytest

from framework import fixtures
from framework.messages import FeeFilter, Inv, InvMsg, MSG_WTX, TxMsg
from framework.p2p import TxPeer
from framework.util import wait_until
from framework.wallet import MiniWallet

MAX_FILTER = 9170997     # the highest step: no transactions at all
DAY = 24 * 60 * 60


node = fixtures.node_of_each()


@pytest.fixture(scope="module")
def wallet(node):
    wallet = MiniWallet(node)
    wallet.generate(110)
    node.set_time(node.tip_header()["time"] + 1)
    return wallet


def let_pass(node, peers):
    """Until one more announcement is certainly over."""
    node.advance(120)
    for p in peers:
        p.sync()


def test_transactions_below_the_filter_are_not_announced(node, wallet):
    peer, outbound = node.add_peer(TxPeer), node.add_outbound(cls=TxPeer)
    both = [peer, outbound]
    let_pass(node, both)
    for rate, expected in ((0, True), (15_000, False), (0, True)):
        for p in both:
            p.send_and_sync(FeeFilter(rate))
        assert [i["minfeefilter"] for i in node.getpeerinfo()] == [
            node.params.amount(rate)] * 2
        tx = wallet.send(confirmed_only=True, fee_rate=10_000)
        rich = wallet.send(confirmed_only=True, fee_rate=20_000)
        for p in both:
            def rich_came(p=p):
                node.advance(10)
                return rich.wtxid_bytes in p.announced()
            wait_until(rich_came)
            p.sync()
            assert (tx.wtxid_bytes in p.announced()) == expected
    node.disconnect_peers()


def test_bad_filters_are_ignored(node):
    peer = node.add_peer(TxPeer)
    peer.send_and_sync(FeeFilter(2000))
    for bad in (2 ** 63, 2 ** 64 - 1, 21_000_000 * 10 ** 8 * 1000 + 1):
        peer.send_and_sync(FeeFilter(bad))
    (info,) = node.getpeerinfo()
    assert info["minfeefilter"] == node.params.amount(2000)
    node.disconnect_peers()


def test_the_least_fee_is_told(node):
    peer = node.add_peer(TxPeer)
    assert peer.wait_for("feefilter").value == 1000    # what we relay at the least
    node.disconnect_peers()


def test_who_is_told_none(lab, params):
    node = lab.node("-whitelist=forcerelay@127.0.0.1", params=params)
    node.generatetodescriptor(1, "raw(51)")
    assert "feefilter" not in node.add_peer(TxPeer).count
    node.args = []
    node.restart("-blocksonly")
    assert "feefilter" not in node.add_peer(TxPeer).count
    node.restart()
    assert "feefilter" not in node.add_outbound("block-relay-only", cls=TxPeer).count


def test_initial_download_wants_no_transactions(lab, params):
    """Neither asks for nor takes any, and says so with a filter that nothing passes;
    once caught up, the true filter follows."""
    source, node = (lab.node("-maxtipage=1000000000", params=params), lab.node(params=params))
    wallet = MiniWallet(source)
    wallet.generate(101)
    when = source.tip_header()["time"]
    for n in (source, node):
        n.set_time(when + 2 * DAY)     # the tip is old, except for the source
    assert node.getblockchaininfo()["initialblockdownload"] is True
    peer = node.add_outbound(cls=TxPeer)
    peer.sync()
    assert peer.wait_for("feefilter").value == MAX_FILTER
    tx = wallet.create(confirmed_only=True)
    marker = node.log_size()
    peer.send_and_sync(InvMsg([Inv(MSG_WTX, tx.wtxid_bytes)]))
    node.advance(60)
    peer.sync()
    assert not peer.requests()
    peer.send_and_sync(TxMsg(tx))
    assert node.getrawmempool() == [] and "not accepted" not in node.log(marker)
    node.generatetodescriptor(1, "raw(51)")
    assert node.getblockchaininfo()["initialblockdownload"] is False
    peer.wait_for("feefilter", lambda m: m.value == 1000)
    peer.send_and_sync(InvMsg([Inv(MSG_WTX, tx.wtxid_bytes)]))
    peer.wait_asked(tx)
