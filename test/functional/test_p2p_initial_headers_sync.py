"""Whom a node that is far behind asks for headers, and how long it waits for an answer."""
import pytest

from framework.blocks import Chain
from framework.messages import BlockMsg, Headers, Inv, InvMsg, MSG_BLOCK
from framework.p2p import Peer
from framework.util import wait_until

MINUTE, DAY = 60, 24 * 3600
BEHIND = 30 * DAY


class Mute(Peer):
    """Does not answer getheaders."""

    def on_getheaders(self, msg):
        pass

    def asked(self):
        self.sync()
        return self.count.get("getheaders", 0)


@pytest.fixture
def start(lab, params):
    def start(*args):
        node = lab.node(*args, params=params)
        node.set_time(Chain(params).tip.time + BEHIND)
        return node
    return start


def _timeout(params):
    return 15 * MINUTE + BEHIND // params.spacing / 1000


def test_one_peer_and_one_more_for_each_new_block(start, params):
    node = start()
    peers = [node.add_peer(Mute) for _ in range(4)]
    assert [p.asked() for p in peers] == [1, 0, 0, 0]
    blocks = Chain(params).mine(count=2)
    for block, total in zip(blocks, (2, 3)):
        for p in peers:
            p.send(InvMsg([Inv(MSG_BLOCK, block.hash_bytes)]))
        assert sum(p.asked() for p in peers) == total
        assert peers[0].asked() == 1         # its answer is still awaited
    # an inv that was seen does not let another one in
    for p in peers:
        p.send(InvMsg([Inv(MSG_BLOCK, blocks[0].hash_bytes)]))
    assert sum(p.asked() for p in peers) <= 4


def test_outgoing_peers_are_preferred(start):
    node = start()
    node.add_outbound(cls=Peer).close()
    wait_until(lambda: not node.getpeerinfo())
    out = node.add_outbound(cls=Mute)
    inbound = node.add_peer(Mute)
    assert (out.asked(), inbound.asked()) == (1, 0)


def test_everybody_is_asked_when_the_chain_is_recent(start, params):
    node = start()
    node.set_time(Chain(params).tip.time + DAY - 1)
    peers = [node.add_peer(Mute) for _ in range(3)]
    assert [p.asked() for p in peers] == [1, 1, 1]


def test_a_peer_that_does_not_answer_gives_way_to_another(start, params):
    node = start()
    first, second = node.add_outbound(cls=Mute), node.add_outbound(cls=Mute)
    assert (first.asked(), second.asked()) == (1, 0)
    mark = node.log_size()
    node.advance(int(_timeout(params)))
    assert (first.asked(), second.asked()) == (1, 0)
    node.advance(1)
    first.wait_disconnect()
    node.wait_log("Timeout downloading headers from peer=0, disconnecting", mark)
    second.wait_for("getheaders")
    # there is nobody else to turn to now
    node.advance(int(_timeout(params)) + 1)
    second.sync()
    assert not second.closed


def test_noban_peers_stay(start, params):
    node = start("-whitelist=noban@127.0.0.1")
    first, second = node.add_peer(Mute), node.add_peer(Mute)
    assert (first.asked(), second.asked()) == (1, 0)
    mark = node.log_size()
    node.advance(int(_timeout(params)) + 1)
    first.sync()
    node.wait_log("Timeout downloading headers from noban peer=0, not disconnecting", mark)
    assert first.asked() + second.asked() == 2
    assert not first.closed and not second.closed


def test_the_time_is_over_once_the_chain_is_recent(start, params):
    node = start()
    first, second = node.add_outbound(cls=Mute), node.add_outbound(cls=Mute)
    block = Chain(params).next(time=node.mocktime)
    first.send_and_sync(Headers([block]), BlockMsg(block))
    second.wait_for("getheaders")
    node.advance(int(_timeout(params)) + 1)
    first.sync()
    second.sync()
    assert not first.closed and not second.closed
