"""Who keeps the download from going on is let go: at the end of the window of 1024 blocks after a
time that grows with each such peer, elsewhere after one block's time and more."""
import pytest

from framework.blocks import Chain
from framework.messages import BlockMsg, Headers, MSG_BLOCK
from framework.p2p import Peer
from framework.util import wait_until

WINDOW = 1024
DAY = 24 * 3600


class Staller(Peer):
    """Gives every block but the withheld one."""

    def __init__(self, *args, blocks=(), withheld=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.blocks = {b.hash_bytes: b for b in blocks}
        self.withheld, self.asked = withheld, False

    def on_getheaders(self, msg):
        pass

    def on_getdata(self, msg):
        for inv in msg.items:
            assert inv.kind & ~(1 << 30) == MSG_BLOCK
            if inv.hash == self.withheld:
                self.asked = True
            else:
                self.send(BlockMsg(self.blocks[inv.hash]))


@pytest.fixture
def node(lab, params):
    node = lab.node(params=params)
    node.set_time(Chain(params).tip.time + 30 * DAY)
    return node


def _in_flight(node):
    return [h for p in node.getpeerinfo() for h in p["inflight"]]


def _settle(peers):
    """Everybody has been looked after; twice, since a request may pass to another peer."""
    for _ in range(2):
        for p in peers:
            if not p.closed:
                p.sync()


def _advance(node, peers, seconds):
    node.advance(seconds)
    _settle(peers)


def _connected(node):
    return len(node.getpeerinfo())


def test_the_window_and_its_stallers(node, params):
    blocks = Chain(params).mine(count=WINDOW + 1)
    withheld = blocks[0].hash_bytes
    peers = [node.add_outbound(cls=Staller, blocks=blocks, withheld=withheld)
             for _ in range(4)]
    start = node.log_size()
    for p in peers:
        p.send_and_sync(Headers(blocks[:WINDOW]))
    wait_until(lambda: _in_flight(node) == [1])
    _settle(peers)
    # the window is full, but nothing more is wanted either
    _advance(node, peers, 3)
    assert _connected(node) == 4
    assert "Stall started" not in node.log(start)
    # one block more, and somebody keeps us waiting
    for p in peers:
        p.send(Headers(blocks))
    _settle(peers)
    node.wait_log("Stall started", start)
    for left, seconds in ((3, 2), (2, 4), (1, 8)):
        _advance(node, peers, seconds - 1)
        assert _connected(node) == left + 1
        node.advance(2)
        wait_until(lambda: _connected(node) == left, what=f"for {left} peers")
        node.wait_log(f"Increased stalling timeout temporarily to {2 * seconds} seconds",
                      start)
        wait_until(lambda: _in_flight(node) == [1])
        _settle(peers)
    assert node.log(start).count("is stalling block download, disconnecting") == 3
    # the block comes, and with those behind it the time shrinks again
    (last,) = [p for p in peers if not p.closed]
    assert last.asked
    last.withheld = None
    last.send(BlockMsg(blocks[0]))
    wait_until(lambda: node.getblockcount() == WINDOW + 1)
    log = node.log(start)
    times = [s for s in (13, 11, 9, 7, 5, 4, 3, 2)
             if f"Decreased stalling timeout to {s} seconds" in log]
    assert times == [13, 11, 9, 7, 5, 4, 3, 2]


@pytest.mark.parametrize("others", (0, 1, 2))
def test_a_block_that_does_not_come(node, params, others):
    """One block's time, and half of it for everybody else we download from."""
    node.set_time(Chain(params).tip.time + 60)
    blocks = Chain(params).mine(count=others + 1)
    peers = [node.add_outbound(cls=Staller, blocks=blocks, withheld=b.hash_bytes)
             for b in blocks]
    for n, p in enumerate(peers):
        p.send_and_sync(Headers(blocks[:n + 1]))
        assert p.asked
    start = node.log_size()
    _advance(node, peers, params.spacing * (2 + others) // 2)
    assert _connected(node) == 1 + others
    node.advance(1)
    for p in peers:
        p.wait_disconnect()
    node.wait_log(f"Timeout downloading block {blocks[0].hash} from peer=0, disconnecting",
                  start)


def test_blocks_in_flight_are_asked_of_others_when_a_peer_leaves(node, params):
    blocks = Chain(params).mine(count=3)
    first = node.add_outbound(cls=Staller, blocks=blocks, withheld=blocks[1].hash_bytes)
    second = node.add_outbound(cls=Staller, blocks=blocks)
    first.send_and_sync(Headers(blocks))
    second.send_and_sync(Headers(blocks))
    wait_until(lambda: _in_flight(node) == [2])
    assert node.getblockcount() == 1
    first.close()
    wait_until(lambda: node.getblockcount() == 3)
