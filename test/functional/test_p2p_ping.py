"""Ping: sent right after the handshake, timed with mock time, bad pongs noticed."""
import pytest

from framework.messages import Pong, Raw
from framework.p2p import Peer
from framework.util import wait_until

INTERVAL = 120
T0 = 1795160000


class Silent(Peer):
    """Answers pings only when the test says so."""

    def on_ping(self, msg):
        pass


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node("-peertimeout=1", params=params)
    node.set_time(T0)
    return node


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    peer = node.add_peer(Silent, ready=False)
    peer.wait_for("verack")
    peer.wait_for("ping")
    return peer


def _stats(node):
    (info,) = node.getpeerinfo()
    return {k: info[k] for k in ("pingtime", "minping", "pingwait") if k in info}


def _bad_pong(node, peer, pong, reason, remaining):
    start = node.log_size()
    peer.send(pong)
    node.wait_log(reason, start)
    assert _stats(node) == remaining


def test_first_ping_has_a_nonce(node, peer):
    assert peer.last["ping"].value != 0
    assert _stats(node) == {}


def test_pong_without_nonce_cancels_the_ping(node, peer):
    node.advance(99)
    assert _stats(node)["pingwait"] == 99
    start = node.log_size()
    peer.send(Raw("pong"))
    node.wait_log("pong peer=", start)
    node.wait_log("Short payload", start)
    wait_until(lambda: _stats(node) == {})


def test_wrong_nonce_leaves_the_ping_waiting(node, peer):
    node.advance(99)
    _bad_pong(node, peer, Pong(peer.last["ping"].value - 1), "Nonce mismatch",
              {"pingwait": 99})


def test_zero_nonce_cancels_the_ping(node, peer):
    node.advance(99)
    _bad_pong(node, peer, Pong(0), "Nonce zero", {})


def test_good_pong_is_timed(node, peer):
    node.advance(99)
    assert _stats(node)["pingwait"] == 99
    peer.send(Pong(peer.last["ping"].value))
    wait_until(lambda: "pingtime" in _stats(node))
    assert _stats(node) == {"pingtime": 99, "minping": 99}


def test_unsolicited_pong(node, peer):
    peer.send(Pong(peer.last["ping"].value))
    wait_until(lambda: "pingtime" in _stats(node))
    _bad_pong(node, peer, Pong(0), "Unsolicited pong without ping", _stats(node))


def test_ping_rpc_and_interval(node, peer):
    peer.send(Pong(peer.last["ping"].value))
    wait_until(lambda: "pingtime" in _stats(node))
    first = peer.last["ping"].value
    node.ping()
    peer.wait_for("ping", lambda m: m.value != first)
    second = peer.last["ping"].value
    peer.send(Pong(second))
    wait_until(lambda: "pingwait" not in _stats(node))
    node.advance(INTERVAL + 1)
    peer.wait_for("ping", lambda m: m.value != second)


def test_timeout_disconnects(node, peer):
    peer.send(Pong(peer.last["ping"].value))
    start = node.log_size()
    node.ping()
    wait_until(lambda: peer.count["ping"] == 2)
    node.advance(1200 // 2)
    node.advance(1200 // 2 + 1)
    peer.wait_disconnect()
    node.wait_log("ping timeout: 1201.000000s", start)
