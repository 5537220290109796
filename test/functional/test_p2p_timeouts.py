"""A peer that does not finish its handshake, or falls silent, is let go by mock time."""
import socket
import threading
import time

import pytest

from framework.messages import GetHeaders, Ping
from framework.p2p import Peer, frame
from framework.sockets import send_until_stuck
from framework.util import TIMEOUT, wait_until


def test_unfinished_handshakes_end(lab, params):
    node = lab.node("-peertimeout=3", "-v2transport=0", params=params)
    now = int(time.time())
    node.set_time(now)

    class NoVerack(Peer):
        def on_version(self, msg):
            pass

    no_verack = node.add_peer(NoVerack, ready=False)
    no_verack.wait_for("version")
    no_version = node.add_peer(handshake=False, ready=False)
    silent = node.add_peer(handshake=False, ready=False)
    wait_until(lambda: node.getconnectioncount() == 3)
    start = node.log_size()
    no_verack.send(Ping(1))
    no_version.send(Ping(2))
    node.wait_log('Unsupported message "ping" prior to verack from peer=0', start)
    node.wait_log('non-version message before version handshake. Message "ping" from peer=1',
                  start)
    node.advance(1)
    time.sleep(0.3)
    assert node.getconnectioncount() == 3
    node.advance(4)
    for peer in (no_verack, no_version, silent):
        peer.wait_disconnect()
    node.wait_log("version handshake timeout peer=0", start)
    node.wait_log("socket no message in first 3 seconds, 1 0 peer=1", start)
    node.wait_log("socket no message in first 3 seconds, 0 0 peer=2", start)


def test_unfinished_handshakes_of_version_2_end(lab, params):
    """Any 64 octets but the beginning of a version 1 message are a key (BIP 324)."""
    node = lab.node("-peertimeout=3", params=params)
    node.set_time(int(time.time()))
    part, key, garbage = bytes([1]) * 60, bytes([2]) * 64, bytes([3]) * 1000
    sockets, start = [], node.log_size()
    for octets in (part, key, garbage, node.params.magic + b"version\0"):
        sock = socket.create_connection(("127.0.0.1", node.p2p_port), timeout=TIMEOUT)
        sock.sendall(octets)
        wait_until(lambda n=len(octets): n in [p["bytesrecv"] for p in node.getpeerinfo()])
        sockets.append(sock)
    node.advance(1)
    for sock in sockets:
        sock.sendall(b"\0")                   # they go on talking, which does not help
    assert node.getconnectioncount() == 4
    node.advance(4)
    wait_until(lambda: node.getconnectioncount() == 0)
    for n in range(3):        # a key alone proves nothing
        node.wait_log(f"V2 handshake timeout peer={n}", start)
    node.wait_log("socket no message in first 3 seconds, 1 0 peer=3", start)


@pytest.mark.parametrize("value", ("0", "-1"))
def test_a_time_that_is_none(lab, value):
    node = lab.node(start=False)
    assert node.fails_to_start(f"-peertimeout={value}") == (
        "Error: peertimeout must be a positive integer.")


def test_unanswered_ping_ends_after_twenty_minutes(lab, params):
    node = lab.node("-peertimeout=1", params=params)
    node.set_time(int(time.time()))
    peer = node.add_peer()
    peer.auto_pong = False
    start = node.log_size()
    node.advance(121)
    peer.wait(lambda p: p.count.get("ping", 0) >= 2)
    peer.clear()
    for _ in range(4):       # it talks, but does not answer
        node.advance(5 * 60)
        peer.sync()
    assert node.getconnectioncount() == 1
    assert node.getpeerinfo()[0]["pingwait"] > 1000
    node.advance(5)
    peer.wait_disconnect()
    node.wait_log("ping timeout: ", start)


class StopsReading(Peer):
    """At the first answer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.go_on = threading.Event()

    def on_headers(self, msg):
        self.go_on.wait()


def test_a_peer_that_does_not_read_goes_after_twenty_minutes(lab, params):
    """What waits to be sent was not sent, however much is added to it."""
    node = lab.node("-maxsendbuffer=10", "-maxreceivebuffer=10", "-v2transport=0", "-nodebug",
                    "-debug=net", "-peertimeout=60", params=params)
    node.generatetodescriptor(100, "raw(51)")
    start = int(time.time())
    node.set_time(start)
    peer = node.add_peer(StopsReading)
    wait_until(lambda: "pingtime" in node.getpeerinfo()[0], what="for the first pong")
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ask = GetHeaders([bytes.fromhex(node.getblockhash(0))[::-1]])
    _, full = send_until_stuck(node, peer.sock,
                               frame(params.magic, ask.command, ask.serialize()) * 100)
    assert full["lastsend"] == start
    assert sum(full["bytessent_per_msg"].values()) == full["bytessent"]
    marker = node.log_size()
    node.advance(121)                         # a ping is added to what waits
    node.wait_log("sending ping (8 bytes) peer=0", marker)
    info = node.getpeerinfo()[0]
    assert info["lastsend"] == start and info["bytessent"] == full["bytessent"]
    node.set_time(start + 20 * 60)
    assert node.getconnectioncount() == 1
    node.set_time(start + 20 * 60 + 1)
    wait_until(lambda: node.getconnectioncount() == 0, what="for the peer to be let go")
    node.wait_log("socket sending timeout: 1201s peer=0")
    peer.go_on.set()
