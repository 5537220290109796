"""The encrypted transport against a peer of our own: garbage, decoys, new keys, and packets
that no honest peer sends."""
import os

import pytest

from framework import fixtures
from framework.messages import MAX_PAYLOAD, Ping, Raw
from framework.util import wait_until
from framework.v2 import KEY, MAX_GARBAGE, REKEY, Channel, V2Peer

MAX_CONTENTS = 1 + 12 + MAX_PAYLOAD

node = fixtures.node_of_each()


@pytest.fixture(autouse=True)
def alone(node):
    yield
    node.disconnect_peers()


@pytest.mark.parametrize("garbage", (0, 1, 15, 16, 1000, MAX_GARBAGE))
def test_garbage_and_decoys_mean_nothing(node, garbage):
    peer = node.add_peer(V2Peer, garbage=os.urandom(garbage), decoys=garbage % 4)
    peer.sync()
    (info,) = node.getpeerinfo()
    assert info["transport_protocol_type"] == "v2"
    assert info["session_id"] == peer.channel.session_id.hex()


def test_garbage_may_hold_what_looks_like_a_terminator_or_a_key(node):
    garbage = bytes(64) + node.params.magic + b"version".ljust(12, b"\0")
    node.add_peer(V2Peer, garbage=garbage).sync()


def test_keys_are_renewed_both_ways(node):
    peer = node.add_peer(V2Peer)
    for _ in range(3):
        peer.send(*[Ping(9)] * (REKEY - 1), Raw("nonsense", os.urandom(100)))
        peer.sync()
    assert peer.channel.out.rekeys > 2 and peer.channel.in_.rekeys > 2


def test_decoys_of_any_size_between_messages(node):
    peer = node.add_peer(V2Peer)
    for size in (0, 1, 100, 100_000, MAX_CONTENTS):
        peer.send_raw(peer.channel.seal(bytes(size), ignore=True))
        peer.sync()


def test_types_that_do_not_exist_are_passed_over(node):
    peer = node.add_peer(V2Peer)
    start = node.log_size()
    for contents in (b"", b"\x1d", b"\xff" * 9, b"\0", b"\0ping", b"\0" + b"\xff" * 12):
        peer.send_raw(peer.channel.seal(contents))
    peer.sync()
    assert node.log(start).count("V2 transport error: invalid message type") == 6


def test_a_key_that_was_used_before_is_as_good(node):
    channel = Channel(node.params.magic)

    class Again(V2Peer):
        def new_channel(self):
            return Channel(self.params.magic, True, channel.secret, channel.encoding)
    first, second = node.add_peer(Again), node.add_peer(Again)
    first.sync()
    second.sync()
    assert first.channel.session_id != second.channel.session_id


def _forged(channel):
    packet = bytearray(channel.seal(b"\x12" + bytes(8)))
    packet[-1] ^= 1
    return bytes(packet)


BROKEN = {
    "too large": (lambda c: c.seal(b"", length=MAX_CONTENTS + 1),
                  f"V2 transport error: packet too large ({MAX_CONTENTS + 1} bytes)"),
    "forged": (_forged, "V2 transport error: packet decryption failure"),
    "replayed": (lambda c: c.seal(b"", ignore=True) * 2, "V2 transport error: packet"),
    "of another length": (lambda c: c.seal(b"abc", length=2) + bytes(99),
                          "V2 transport error: packet decryption failure (2 bytes)"),
    "vouching for other garbage": (lambda c: c.seal(b"", aad=b"late"),
                                       "V2 transport error: packet decryption failure"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_packets_end_the_connection(node, name):
    make, reason = BROKEN[name]
    peer = node.add_peer(V2Peer)
    start = node.log_size()
    peer.send_raw(make(peer.channel) + bytes(MAX_CONTENTS if name == "replayed" else 0))
    peer.wait_disconnect()
    node.wait_log(reason, start)


class NoTerminator(V2Peer):
    def _agree(self):
        self.channel = self.new_channel()
        self.sock.sendall(self.channel.encoding)
        self.channel.agree(self._recv(KEY))
        self.sock.sendall(bytes(MAX_GARBAGE + 16))
        self._recv(1 << 20)


def test_garbage_without_an_end(node):
    start = node.log_size()
    peer = node.add_peer(NoTerminator, ready=False)
    peer.wait_disconnect()
    node.wait_log("V2 transport error: missing garbage terminator", start)


class Broken(V2Peer):
    """Hangs up where the keys change."""

    def break_off(self):
        for _ in range(REKEY - 1 - self.channel.out.packets):
            self.send_raw(self.channel.seal(b"", ignore=True))
        self.send_raw(self.channel.seal(bytes(1000))[:500])
        self.close()


def test_a_packet_that_breaks_off_at_new_keys(node):
    node.add_peer(Broken).break_off()
    wait_until(lambda: node.getconnectioncount() == 0)
    node.add_peer(V2Peer).sync()
