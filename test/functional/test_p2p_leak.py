"""Nothing but the handshake is said before it is complete."""
import time

import pytest

from framework.messages import (Addr, FeeFilter, Getaddr, GetHeaders, Inv, InvMsg, Ping,
                                Sendaddrv2, Verack, Version, Wtxidrelay)
from framework.p2p import Peer
from framework.util import wait_until

BEFORE_VERACK = {"version", "wtxidrelay", "sendaddrv2", "verack", "sendtxrcncl"}


class Lazy(Peer):
    """Never sends anything by itself."""

    def on_version(self, msg):
        pass

    def on_ping(self, msg):
        pass

    def leaked(self):
        return set(self.count) - BEFORE_VERACK


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node("-v2transport=0", params=params)
    node.generatetodescriptor(5, "raw(51)")
    return node


def _lazy(node, **kwargs):
    return node.add_peer(Lazy, ready=False, **kwargs)


def test_nothing_without_version(node):
    peer = _lazy(node, handshake=False)
    wait_until(lambda: len(node.getpeerinfo()) >= 1)
    peer.send(Ping(1), GetHeaders(), InvMsg([Inv(1, bytes(32))]), Getaddr())
    probe = node.add_peer()       # when this one is through, so is the lazy one
    probe.sync()
    assert not peer.count and not peer.closed
    peer.close()


def test_nothing_but_the_handshake_without_verack(node):
    peer = _lazy(node)
    peer.wait_for("verack")
    for msg in (Ping(7), GetHeaders([bytes(32)]), Getaddr(), FeeFilter(1), Addr(),
                InvMsg([Inv(1, b"\x11" * 32)])):
        peer.send(msg)
    probe = node.add_peer()
    probe.sync()
    assert peer.leaked() == set() and not peer.closed
    peer.close()


def test_verack_before_version_is_ignored(node):
    peer = _lazy(node, handshake=False)
    start = node.log_size()
    peer.send(Verack())
    node.wait_log("non-version message before version handshake", start)
    assert not peer.closed
    peer.close()


def test_our_version_message(node):
    peer = node.add_peer()
    version = peer.received("version")[0]
    assert version.version == 70016
    assert version.services & 1 and version.services & 8
    assert version.height == node.getblockcount()
    assert version.nonce != 0 and version.relay is True
    assert version.user_agent.startswith(f"/{node.params.user_agent}:")
    assert abs(version.time - time.time()) < 7200
    # addresses of neither side are told
    assert version.frm.ip in ("0.0.0.0", "::") and version.frm.port == 0
    assert version.to.port == 0 or version.to.ip == "127.0.0.1"
    names = [c for c, _ in peer.log]
    assert names.index("version") < names.index("verack")
    for early in ("wtxidrelay", "sendaddrv2"):
        assert names.index("version") < names.index(early) < names.index("verack")
    peer.close()


def test_what_old_peers_do_not_understand_is_not_said(node):
    for version, early in ((70015, set()), (70016, {"wtxidrelay", "sendaddrv2"})):
        peer = _lazy(node, version=version)
        peer.wait_for("verack")
        assert set(peer.count) - {"version", "verack"} == early
        peer.close()


def test_time_out_without_handshake(lab):
    node = lab.node("-peertimeout=60")
    now = int(time.time())
    node.set_time(now)
    silent = _lazy(node, handshake=False)
    half = _lazy(node)
    half.wait_for("verack")
    start = node.log_size()
    node.advance(61)
    silent.wait_disconnect()
    half.wait_disconnect()
    node.wait_log("version handshake timeout", start)


def test_old_protocol_version_is_refused(node):
    start = node.log_size()
    old = node.add_peer(Peer, ready=False, version=31799)
    old.wait_disconnect()
    node.wait_log("using obsolete version 31799; disconnecting", start)
    ok = node.add_peer(Peer, ready=False, version=31800)
    ok.wait_for("verack")
    ok.close()


def test_second_version_message_is_ignored(node):
    peer = node.add_peer()
    start = node.log_size()
    peer.send(Version(version=60000, time=1))
    node.wait_log("redundant version message", start)
    peer.sync()
    peer.close()


@pytest.mark.parametrize("msg", [Wtxidrelay(), Sendaddrv2()], ids=lambda m: m.command)
def test_negotiation_after_verack_disconnects(node, msg):
    peer = node.add_peer()
    start = node.log_size()
    peer.send(msg)
    peer.wait_disconnect()
    node.wait_log(f"{msg.command} received after verack", start)
