"""addrv2 (BIP 155): addresses of every network are kept and passed on to who can read them."""
import ipaddress
import time

import pytest

from framework.messages import Addrv2, Getaddr, NetAddress, Raw
from framework.p2p import Peer

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
I2P = "c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p"


class Reader(Peer):
    def addrs(self):
        return [a for c in ("addr", "addrv2") for m in self.received(c) for a in m.items]


def _samples(now):
    hosts = [f"123.123.123.{i}" for i in range(1, 4)] + ["2a02::1", "2a02::2", ONION, I2P]
    return [NetAddress(host, 8333, 9, now) for host in hosts]


@pytest.fixture
def node(lab, params):
    node = lab.node("-v2transport=0", "-connect=0", params=params)
    node.generatetodescriptor(1, "raw(51)")
    node.set_time(int(time.time()))
    return node


def _relayed(node, readers):
    node.advance(30 * 60)
    for _ in range(3):
        for peer in readers:
            peer.sync()
    return [a.ip for p in readers for a in p.addrs()]


def test_every_network_travels_to_who_reads_addrv2(node):
    samples = _samples(node.mocktime + 100)
    sender = node.add_peer(Reader)
    new, old = [node.add_peer(Reader) for _ in range(2)], node.add_peer(Reader, addrv2=False)
    for peer in new + [old]:
        peer.send_and_sync(Getaddr())
    node.advance(100)
    start = node.log_size()
    sender.send_and_sync(Addrv2(samples))
    node.wait_log("Received addr: 7 addresses (7 processed, 0 rate-limited) from peer=0",
                  start)
    got = _relayed(node, new + [old])
    v1 = {a.ip for a in old.addrs()}
    assert all(ipaddress.ip_address(ip) for ip in v1)         # no onion, no I2P
    for text in (ONION, I2P):
        assert any(a.ip == text for p in new for a in p.addrs()), text
    assert len(got) >= len(samples) and not sender.addrs()


def test_unreachable_networks_are_passed_on_but_not_kept(node):
    sender = node.add_peer(Reader)
    reader = node.add_peer(Reader)
    reader.send_and_sync(Getaddr())
    node.advance(100)
    sender.send_and_sync(Addrv2([NetAddress(I2P, 8333, 9, node.mocktime)]))
    _relayed(node, [reader])
    assert [a.ip for a in reader.addrs()] == [I2P]
    assert node.getnodeaddresses(0, "i2p") == []


@pytest.mark.parametrize("payload, why", [
    (b"\xfd\xe9\x03" + (b"\0" * 4 + b"\x09" + b"\x01\x04\x7b\x7b\x01\x01" + b"\x20\x8d") * 1001,
     "addrv2 message size = 1001"),
    (b"\x01" + b"\0" * 4 + b"\x09" + b"\x01\xfd\x01\x02" + b"\0" * 513 + b"\x20\x8d",
     "Address too long: 513 > 512"),
    (b"\x01" + b"\0" * 4 + b"\x09" + b"\x04\x1f" + b"\0" * 31 + b"\x20\x8d",
     "BIP155 TORv3 address with length 31 (should be 32)"),
])
def test_malformed(node, payload, why):
    peer = node.add_peer()
    start = node.log_size()
    peer.send(Raw("addrv2", payload))
    node.wait_log(why, start)
    if "size" in why:
        peer.wait_disconnect()


def test_unknown_networks_are_skipped(node):
    peer = node.add_peer()
    node.advance(100)
    start = node.log_size()
    entry = int(node.mocktime).to_bytes(4, "little") + b"\x09"
    peer.send_and_sync(Raw("addrv2", b"\x02" + entry + b"\x63\x03abc\x20\x8d" + entry
                           + b"\x01\x04\x7b\x7b\x01\x01\x20\x8d"))
    node.wait_log("Received addr: ", start)
    assert [a["address"] for a in node.getnodeaddresses(0)] == ["123.123.1.1"]
