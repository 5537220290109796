"""Whom addresses are passed on to: who has shown interest, never block-relay-only peers, the
same few for a day (p2p_addr_relay)."""
import time

import pytest

from framework.messages import Addr, Addrv2, Getaddr, NetAddress
from framework.p2p import Peer

HOUR, DAY = 3600, 24 * 3600
SENT = 10 * 60          # twenty times the mean delay; outgoing peers bear it twice


class AddrPeer(Peer):
    def got(self):
        """Addresses since the last look; two answers span a whole turn."""
        self.sync()
        self.sync()
        found = [a.ip for c in ("addr", "addrv2") for m in self.received(c) for a in m.items]
        self.clear()
        return found


class Listed:
    """Addresses that were never told before."""

    count = 0

    @classmethod
    def some(cls, node, n=2):
        first = cls.count
        cls.count += n
        return Addr([NetAddress(f"123.124.{i // 200}.{i % 200 + 1}", 8333, 9, node.mocktime)
                     for i in range(first, first + n)])


@pytest.fixture(scope="module", params=["", "-blocksonly"])
def node(module_lab, params, request):
    node = module_lab.node("-connect=0", *filter(None, [request.param]),
                           "-whitelist=addr@127.0.0.1", params=params)
    node.generatetodescriptor(1, "raw(51)")
    node.set_time(int(time.time()))
    return node


@pytest.fixture(autouse=True)
def alone(node):
    yield
    node.disconnect_peers()


def _tell(node, source, msg):
    source.send_and_sync(msg)
    node.advance(SENT)


def _interested(node):
    peer = node.add_peer(AddrPeer)
    peer.send_and_sync(Getaddr())
    node.advance(10 * 60)
    peer.got()
    return peer


def _enabled(node):
    return [p["addr_relay_enabled"] for p in node.getpeerinfo()]


def test_the_first_message_of_an_outgoing_peer_is_not_passed_on(node):
    """It may be the answer to our getaddr."""
    reader = _interested(node)
    out = node.add_outbound(cls=AddrPeer)
    assert out.count["getaddr"] == 1
    _tell(node, out, Listed.some(node))
    assert reader.got() == []
    _tell(node, out, Listed.some(node))
    assert len(reader.got()) == 2


def test_block_relay_only_peers_neither_tell_nor_hear(node):
    source = _interested(node)
    full, quiet = node.add_outbound(cls=AddrPeer), node.add_outbound("block-relay-only",
                                                                     cls=AddrPeer)
    assert "getaddr" not in quiet.count and "getaddr" not in source.count
    assert _enabled(node) == [True, True, False]
    full.got()                                   # perhaps our own address
    _tell(node, source, Listed.some(node))
    assert len(full.got()) == 2 and quiet.got() == []
    start = node.log_size()
    _tell(node, quiet, Listed.some(node))
    node.wait_log("ignoring addr message from block-relay-only peer=", start)
    info = node.getpeerinfo()[-1]
    assert (info["addr_processed"], info["addr_rate_limited"]) == (0, 0)
    assert source.got() == full.got() == []


def test_who_says_nothing_of_addresses_hears_nothing(node):
    source, reader = _interested(node), _interested(node)
    quiet = node.add_peer(AddrPeer)
    assert _enabled(node) == [True, True, False]
    _tell(node, source, Listed.some(node))
    assert len(reader.got()) == 2 and quiet.got() == []
    quiet.send_and_sync(Addr())                  # any message about addresses does
    assert _enabled(node) == [True, True, True]
    _tell(node, source, Listed.some(node))
    assert len(quiet.got()) == 2


def test_more_than_ten_at_once_are_kept_but_not_passed_on(node):
    source, reader = _interested(node), _interested(node)
    _tell(node, source, Listed.some(node, 11))
    assert reader.got() == []
    _tell(node, source, Listed.some(node, 10))
    assert len(reader.got()) == 10


def test_old_addresses_are_not_passed_on(node):
    source, reader = _interested(node), _interested(node)
    msg = Listed.some(node)
    for a in msg.items:
        a.time -= 10 * 60
    _tell(node, source, msg)
    assert reader.got() == []


def test_addresses_of_no_network_are_not_passed_on(node):
    source, reader = _interested(node), _interested(node)
    hosts = ["10.1.2.3", "127.0.0.1", "192.168.1.1", "fe80::1", "0.0.0.0"]
    _tell(node, source, Addrv2([NetAddress(h, 8333, 9, node.mocktime) for h in hosts]))
    assert reader.got() == []


def _readers_of(node, step):
    """How many of twenty hear of an address that is told ten times, @step apart."""
    source = node.add_peer(AddrPeer)
    readers = [node.add_peer(AddrPeer) for _ in range(20)]
    for p in readers:
        p.send_and_sync(Addr())
    (address,) = Listed.some(node, 1).items
    for _ in range(10):
        address.time = node.mocktime
        source.send_and_sync(Addr([address]))
        node.advance(step)
    node.advance(SENT)
    return sum(bool(p.got()) for p in readers)


def test_destinations_stay_for_a_day(node):
    assert 2 <= _readers_of(node, 2 * HOUR) <= 4     # two, and two more after midnight


def test_destinations_change_from_day_to_day(node):
    assert _readers_of(node, DAY + HOUR) > 4
