"""Messages that are broken: dropped or punished, and the node lives on."""
import struct

import pytest

from framework.codec import compact_size
from framework.messages import (MAX_ADDR, MAX_HEADERS, MAX_INV, MAX_PAYLOAD, Addr, Addrv2, GetData,
                                GetHeaders, Headers, Inv, InvMsg, NetAddress, Raw, SendCmpct)
from framework.p2p import frame
from framework.primitives import Header


@pytest.fixture(scope="module")
def node(module_lab, params):
    return module_lab.node("-connect=0", params=params)    # no calls to invented addresses


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    return node.add_peer()


def _raw(params, command, payload, size=None, check=None, magic=None):
    data = bytearray(frame(magic or params.magic, command, payload))
    if size is not None:
        data[16:20] = struct.pack("<I", size)
    if check is not None:
        data[20:24] = check
    return bytes(data)


def test_unknown_message_is_ignored(node, peer):
    start = node.log_size()
    peer.send_and_sync(Raw("foobar", b"abc" * 100))
    node.wait_log('Unknown command "foobar" from peer=', start)


def test_wrong_magic_disconnects(node, peer):
    start = node.log_size()
    peer.send_raw(_raw(node.params, "badmsg", b"d" * 10, magic=b"\x00\x11\x22\x33"))
    peer.wait_disconnect()
    node.wait_log("MessageStart 00112233 received", start)


def test_wrong_checksum_is_dropped(node, peer):
    start = node.log_size()
    peer.send_raw(_raw(node.params, "badmsg", b"d" * 10, check=b"\xff" * 4))
    node.wait_log("Header error: Wrong checksum (badmsg, 10 bytes)", start)
    peer.sync()


def test_oversized_message_disconnects(node, peer):
    start = node.log_size()
    peer.send_raw(_raw(node.params, "badmsg", b"d" * 10, size=MAX_PAYLOAD + 1))
    peer.wait_disconnect()
    node.wait_log("Header error: Size too large (badmsg, 4000001 bytes)", start)


def test_largest_message_is_read(node, peer):
    peer.send_and_sync(Raw("foobar", bytes(MAX_PAYLOAD)))


def test_bad_command_name(node, peer):
    start = node.log_size()
    data = bytearray(_raw(node.params, "b", b""))
    data[4:16] = b"bad\xff\x00msg\x00\x00\x00\x00"
    peer.send_raw(bytes(data))
    node.wait_log("Header error: Invalid message type", start)
    peer.sync()


def test_message_in_pieces(node, peer):
    data = frame(node.params.magic, "ping", struct.pack("<Q", 77))
    for i in range(0, len(data), 5):
        peer.send_raw(data[i:i + 5])
    peer.wait_for("pong", lambda m: m.value == 77)


@pytest.mark.parametrize("command, payload", [
    ("inv", compact_size(1) + b"\x01"), ("getdata", b"\xfd\x01"), ("headers", b"\x01"),
    ("tx", b"\x01\x00"), ("block", bytes(80)), ("getheaders", b"\x01"),
    ("addr", b"\x01\x00"), ("ping", b"\x01"), ("sendcmpct", b"\x01"),
    ("cmpctblock", bytes(20)), ("getblocktxn", bytes(31)), ("blocktxn", bytes(31)),
])
def test_truncated_payload_is_survived(node, peer, command, payload):
    start = node.log_size()
    peer.send(Raw(command, payload))
    probe = node.add_peer()
    probe.sync()
    assert node.running()
    if not peer.closed:
        peer.sync()
    assert start <= node.log_size()


@pytest.mark.parametrize("msg, reason", [
    (lambda: InvMsg([Inv(1, b"\x31" * 32)] * (MAX_INV + 1)),
     f"inv message size = {MAX_INV + 1}"),
    (lambda: GetData([Inv(1, b"\x31" * 32)] * (MAX_INV + 1)),
     f"getdata message size = {MAX_INV + 1}"),
    (lambda: Addr([NetAddress()] * (MAX_ADDR + 1)), f"addr message size = {MAX_ADDR + 1}"),
    (lambda: Addrv2([NetAddress("1.2.3.4", 1)] * (MAX_ADDR + 1)),
     f"addrv2 message size = {MAX_ADDR + 1}"),
    (lambda: Raw("headers", compact_size(MAX_HEADERS + 1) + bytes(81) * (MAX_HEADERS + 1)),
     f"headers message size = {MAX_HEADERS + 1}"),
], ids=["inv", "getdata", "addr", "addrv2", "headers"])
def test_too_many_entries(node, peer, msg, reason):
    start = node.log_size()
    peer.send(msg())
    peer.wait_disconnect()
    node.wait_log("Misbehaving", start)
    node.wait_log(reason, start)


def test_locator_of_more_than_101_hashes_disconnects(node, peer):
    ok = [bytes([i]) * 32 for i in range(101)]
    peer.send_and_sync(GetHeaders(ok))
    start = node.log_size()
    peer.send(GetHeaders(ok + [b"\xee" * 32]))
    peer.wait_disconnect()
    node.wait_log("getheaders locator size 102 > 101", start)


def test_unknown_sendcmpct_version_is_ignored(node, peer):
    peer.send_and_sync(SendCmpct(True, 3), SendCmpct(False, 0))


def test_empty_headers_are_fine(node, peer):
    peer.send_and_sync(Headers([]))


@pytest.mark.parametrize("payload, problem", [
    (b"", "end of data"),
    (b"\x01", "end of data"),
    # time, services, network 1, an address of 513 octets
    (b"\x01" + bytes(4) + b"\x09\x01" + compact_size(513) + bytes(513) + b"\0\0",
     "Address too long: 513 > 512"),
], ids=["empty", "no-address", "too-long"])
def test_malformed_addrv2(node, peer, payload, problem):
    start = node.log_size()
    peer.send_and_sync(Raw("addrv2", payload))
    node.wait_log(f"received: addrv2 ({len(payload)} bytes)", start)
    node.wait_log(f"Exception '{problem}' caught", start)


def test_addrv2_of_an_unknown_network(node, peer):
    """It is skipped; the addresses after it count."""
    def entry(net, raw):
        return (struct.pack("<IB", 1795160000, 9) + bytes([net]) + compact_size(len(raw)) + raw
                + struct.pack(">H", 8333))
    start = node.log_size()
    peer.send_and_sync(Raw("addrv2", b"\x02" + entry(0x99, bytes(32)) + entry(1, b"\x09" * 4)))
    node.wait_log("Received addr: 2 addresses", start)
    assert "Exception" not in node.log(start)


def _tip(node):
    return bytes.fromhex(node.getbestblockhash())[::-1]


def test_headers_without_work_disconnect(node, peer):
    head = Header(prev=_tip(node), time=1795160000)
    while head.meets_target():
        head.nonce += 1
    start = node.log_size()
    peer.send(Headers([head]))
    peer.wait_disconnect()
    node.wait_log("header with invalid proof of work", start)


def test_headers_with_a_gap_disconnect(node, peer):
    first = Header(prev=_tip(node), time=1795160000).solve()
    other = Header(prev=b"\x11" * 32, time=1795160001).solve()
    start = node.log_size()
    peer.send(Headers([first, other]))
    peer.wait_disconnect()
    node.wait_log("non-continuous headers sequence", start)


def test_one_peer_may_waste_as_much_as_it_likes(node, peer):
    """80 of the largest messages, of no known type: dropped one by one."""
    probe = node.add_peer()
    peer.auto_pong = False       # no pong in the middle of what this thread sends
    data = frame(node.params.magic, "badmsg", b"d" * MAX_PAYLOAD)
    for _ in range(80):
        peer.send_raw(data)
        probe.sync()
    peer.sync()
