"""Addresses: relayed to a few peers, stored, rate-limited, and handed out once on request."""
import time

import pytest

from framework.messages import Addr, Addrv2, NetAddress, Raw
from framework.p2p import Peer


class AddrPeer(Peer):
    def addrs(self):
        return [a for c in ("addr", "addrv2") for m in self.received(c) for a in m.items]


def _some(count, now, first=0):
    return [NetAddress(f"123.123.{i // 200}.{i % 200 + 1}", 8333, 9, now)
            for i in range(first, first + count)]


@pytest.fixture
def node(lab, params):
    node = lab.node("-connect=0", params=params)  # no calls to the addresses we invent
    node.generatetodescriptor(1, "raw(51)")      # out of initial download
    node.set_time(int(time.time()))
    return node


def _getaddr():
    return Raw("getaddr", b"")


@pytest.mark.parametrize("v2", [False, True])
def test_addresses_are_relayed_to_one_or_two_peers(node, v2):
    sender = node.add_peer(AddrPeer)
    others = [node.add_peer(AddrPeer, addrv2=v2) for _ in range(6)]
    for peer in others:
        peer.send_and_sync(_getaddr())           # it relays addresses, too
    start = node.log_size()
    node.advance(60)                             # tokens
    sent = _some(5, node.mocktime)
    sender.send_and_sync((Addrv2 if v2 else Addr)(sent))
    node.wait_log("Received addr: 5 addresses (5 processed, 0 rate-limited) from peer=0",
                  start)
    node.advance(10 * 60)
    for peer in [sender] + others:
        peer.sync()
    got = [a.ip for p in others for a in p.addrs()]
    assert len(got) == 2 * len(sent) and set(got) == {a.ip for a in sent}
    assert sender.addrs() == []
    info = node.getpeerinfo()[0]
    assert info["addr_relay_enabled"] and info["addr_processed"] == 5
    assert len(node.getnodeaddresses(0)) >= 3    # places in the tables may clash


def test_too_many_addresses_at_once(node):
    peer = node.add_peer()
    start = node.log_size()
    peer.send(Addr(_some(1001, node.mocktime)))
    peer.wait_disconnect()
    node.wait_log("addr message size = 1001", start)


def test_rate_limit(node):
    peer = node.add_peer()
    peer.send_and_sync(Addr(_some(10, node.mocktime)))
    info = node.getpeerinfo()[0]
    assert (info["addr_processed"], info["addr_rate_limited"]) == (1, 9)
    node.advance(100)                            # ten more tokens
    peer.send_and_sync(Addr(_some(20, node.mocktime, 100)))
    info = node.getpeerinfo()[0]
    assert (info["addr_processed"], info["addr_rate_limited"]) == (11, 19)


def test_outbound_peers_are_asked_and_may_answer_a_thousand(node):
    peer = node.add_outbound()
    peer.wait_for("getaddr")
    peer.send_and_sync(Addr(_some(1000, node.mocktime)))
    info = node.getpeerinfo()[0]
    assert (info["addr_processed"], info["addr_rate_limited"]) == (1000, 0)


def test_getaddr_is_answered_once_and_only_to_incoming_peers(node):
    for i in range(300):
        node.addpeeraddress(f"{11 + i % 60}.{i // 60}.3.4", 8333)
    start = node.log_size()
    peer = node.add_peer(AddrPeer)
    peer.send_and_sync(_getaddr())
    node.advance(20 * 60)
    peer.wait(lambda p: p.addrs())
    total = len(node.getnodeaddresses(0))
    assert 0 < len(peer.addrs()) <= total * 23 // 100
    peer.send_and_sync(_getaddr())
    node.wait_log('Ignoring repeated "getaddr". peer=0', start)
    out = node.add_outbound()
    out.send_and_sync(_getaddr())
    node.wait_log('Ignoring "getaddr" from outbound-full-relay connection', start)


def test_addrv2_is_agreed_on_before_verack(node):
    peer = node.add_peer(ready=False, handshake=True)
    peer.wait_ready()
    start = node.log_size()
    peer.send(Raw("sendaddrv2", b""))
    peer.wait_disconnect()
    node.wait_log("sendaddrv2 received after verack from peer=0; disconnecting", start)


def test_addresses_outlive_a_restart(lab, params):
    node = lab.node("-connect=0", params=params)
    for i in range(50):
        node.addpeeraddress(f"{11 + i}.1.3.4", 8333, i % 2 == 0)
    before = node.getaddrmaninfo()
    assert before["ipv4"]["total"] == before["all_networks"]["total"] > 40
    assert before["ipv4"]["tried"] > 15
    node.restart()
    assert node.getaddrmaninfo() == before
    raw = node.getrawaddrman()
    assert len(raw["tried"]) == before["ipv4"]["tried"]
    place, entry = next(iter(raw["new"].items()))
    assert len(place.split("/")) == 2 and entry["port"] == 8333
