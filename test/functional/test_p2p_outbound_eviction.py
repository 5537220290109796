"""Outgoing peers whose best chain stays behind ours are asked once more, then given up; a
few full ones that had our tip are kept in any case."""
import time

import pytest

from framework.blocks import Chain
from framework.messages import Headers
from framework.p2p import Peer

SYNC_TIMEOUT, ANSWER_TIMEOUT = 20 * 60, 2 * 60


class Silent(Peer):
    """Says nothing of blocks by itself."""

    def on_getheaders(self, msg):
        pass


@pytest.fixture
def node(lab, params):
    node = lab.node("-v2transport=0", params=params)
    node.set_time(int(time.time()))
    node.generatetodescriptor(2, "raw(51)")
    return node


def _headers(node):
    """Of all blocks but the genesis block."""
    return Chain.of(node).blocks[1:]


def _mine(node):
    node.advance(1)
    node.generatetodescriptor(1, "raw(51)")


def _turn(*peers):
    """Each peer has had a whole turn, in which the node looks at its chain and its clock."""
    for peer in peers:
        peer.sync()


def _pass(node, seconds, *peers):
    node.advance(seconds)
    _turn(*peers)


def _show(node, *peers, blocks=None):
    """One after another the peers announce blocks (all we have), and the node sees how far
    each is behind."""
    for peer in peers:
        peer.send(Headers(blocks or _headers(node)))
        _turn(peer)


def _asked_again(node, peer):
    peer.clear()
    _pass(node, SYNC_TIMEOUT + 1, peer)
    return peer.count.get("getheaders", 0) > 0


def _given_up(node, peer):
    start = node.log_size()
    node.advance(ANSWER_TIMEOUT + 1)
    peer.wait_disconnect()
    node.wait_log("Disconnecting outbound peer", start)
    node.wait_log("for old chain", start)


@pytest.mark.parametrize("kind", ["outbound-full-relay", "block-relay-only"])
def test_who_never_shows_our_tip_goes(node, kind):
    peer = node.add_outbound(kind, cls=Silent)
    _show(node, peer, blocks=_headers(node)[:1])
    assert _asked_again(node, peer)
    _given_up(node, peer)


@pytest.mark.parametrize("kind", ["outbound-full-relay", "block-relay-only"])
def test_who_catches_up_gets_more_time(node, kind):
    peer = node.add_outbound(kind, cls=Silent)
    _show(node, peer, blocks=_headers(node)[:1])
    tip = _headers(node)
    _mine(node)
    _pass(node, SYNC_TIMEOUT // 2, peer)
    _show(node, peer, blocks=tip)                 # what we had when its time began
    peer.clear()
    _pass(node, SYNC_TIMEOUT - 60, peer)
    assert not peer.closed and "getheaders" not in peer.count
    assert _asked_again(node, peer)
    _show(node, peer)                             # the answer saves it
    _pass(node, ANSWER_TIMEOUT + 1, peer)
    assert not peer.closed


def test_full_peers_that_had_our_tip_are_kept(node):
    peers = [node.add_outbound(cls=Silent) for _ in range(5)]
    relay = node.add_outbound("block-relay-only", cls=Silent)
    _show(node, *peers, relay)
    _mine(node)
    _turn(*peers, relay)                          # the time of the two others begins
    _pass(node, SYNC_TIMEOUT + 1, *peers, relay)
    node.advance(ANSWER_TIMEOUT + 1)
    for peer in (peers[4], relay):                # four are protected
        peer.wait_disconnect()
    for peer in peers[:4]:
        peer.sync()
        assert not peer.closed


@pytest.mark.parametrize("kind", ["manual", "inbound"])
def test_others_may_stay_behind(node, kind):
    if kind == "inbound":
        peer = node.add_peer(Silent)
    else:
        peer = Silent(node.params, now=node.mocktime)
        node.addnode(f"127.0.0.1:{peer.listen()}", "onetry", False)
        node.peers.append(peer)
        peer.wait_ready()
    _show(node, peer, blocks=_headers(node)[:1])
    _pass(node, SYNC_TIMEOUT + 1, peer)
    _pass(node, ANSWER_TIMEOUT + 1, peer)
    assert not peer.closed
