"""What one peer may take of the node: its turn among others, memory for what it sends and for
what it does not read."""
import socket
import struct

import pytest

from framework import fixtures
from framework.hashes import hash256
from framework.messages import (MSG_BLOCK, MSG_FILTERED_BLOCK, GetBlocks, GetData, GetHeaders,
                                Inv, InvMsg, Ping, Raw)
from framework.p2p import Peer, frame
from framework.sockets import send_until_stuck
from framework.util import wait_until

BLOCKS = 150


class Quiet(Peer):
    """Asks for nothing by itself."""

    def on_inv(self, msg):
        pass


node = fixtures.node_of_each("-peerbloomfilters", "-blockfilterindex", "-peerblockfilters",
                             "-nodebug")
wallet = fixtures.mini_wallet(BLOCKS)


@pytest.fixture(scope="module")
def hashes(node, wallet):
    return [bytes.fromhex(node.getblockhash(i))[::-1] for i in range(1, BLOCKS + 1)]


def _filters(hashes):
    return Raw("getcfilters", struct.pack("<BI", 0, 0) + hashes[-1])


FLOODS = {    # what is answered, how often for each request, and the requests
    "blocks": ("block", 1, lambda h, n: [
        GetData([Inv(MSG_BLOCK, h[i % BLOCKS]) for i in range(n)])]),
    "filtered-blocks": ("merkleblock", 1, lambda h, n: [
        Raw("filterload", b"\x01\xff" + struct.pack("<IIB", 1, 0, 0)),
        GetData([Inv(MSG_FILTERED_BLOCK, h[i % BLOCKS]) for i in range(n)])]),
    "filters": ("cfilter", BLOCKS + 1, lambda h, n: [_filters(h)] * n),
    "headers": ("headers", 1, lambda h, n: [GetHeaders([h[0]])] * n),
    "inventories": ("inv", 1, lambda h, n: [GetBlocks([h[0]])] * n),
    "pings": ("pong", 1, lambda h, n: [Ping(7)] * n),
    "unknown-transactions": ("notfound", 1, lambda h, n: [
        GetData([Inv(1, hash256(bytes([i]))) for i in range(100)])] * n),
}


def _answered_meanwhile(node, hashes, name, requests):
    """Whether an honest peer's ping is answered while a flood of requests still waits."""
    node.disconnect_peers()
    honest = node.add_peer(Quiet)
    greedy = node.add_peer(Quiet)
    reply, factor, flood = FLOODS[name]
    begun = greedy.count.get(reply, 0)
    greedy.send(*flood(hashes, requests))
    honest.sync()
    answers = greedy.count.get(reply, 0) - begun
    greedy.wait(lambda p: p.count.get(reply, 0) - begun >= requests * factor)
    return answers < requests * factor


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_leaves_others_their_turn(node, hashes, name):
    """Every peer in turn has one message handled, or a part of a long one."""
    # A fast node may be done with a small flood before the ping comes.
    assert any(_answered_meanwhile(node, hashes, name, 50 << n) for n in range(9))


def test_all_filters_of_a_long_range_come_in_order(node, hashes):
    node.disconnect_peers()
    peer = node.add_peer(Quiet)
    peer.send(_filters(hashes), Ping(99))
    peer.wait_for("pong", lambda m: m.value == 99)      # only after all of them
    got = [m.payload[1:33] for m in peer.received("cfilter")]
    assert got[1:] == hashes and len(got) == BLOCKS + 1


def test_a_peer_that_does_not_read_is_neither_served_nor_read(lab, params):
    node = lab.node("-maxsendbuffer=10", "-maxreceivebuffer=10", "-nodebug", "-v2transport=0",
                    params=params)
    node.generatetodescriptor(BLOCKS, "raw(51)")
    peer = Quiet(params, handshake=False)
    peer.sock = socket.socket()
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.sock.connect(("127.0.0.1", node.p2p_port))
    peer.send_version()
    peer.send(Raw("verack"))
    wait_until(lambda: [p for p in node.getpeerinfo() if p["version"]])
    ask = GetHeaders([bytes.fromhex(node.getblockhash(0))[::-1]])
    data = frame(params.magic, ask.command, ask.serialize())
    sent, info = send_until_stuck(node, peer.sock, data * 100)
    assert sent < 64 << 20
    # What the kernel holds for both sides is of no interest here, but it is finite.
    handled = info["bytessent_per_msg"]["headers"] // (BLOCKS * 81)
    assert handled < sent // len(data)
    assert info["bytesrecv"] < sent
    assert node.add_peer().wait_ready()                 # others are
    peer.sock.close()


def test_a_peer_that_sends_faster_than_it_is_handled_is_slowed(lab, params):
    """However much waits, what did not fit into the queue stays with the kernel."""
    node = lab.node("-maxreceivebuffer=10", "-nodebug", "-v2transport=0", params=params)
    peer = node.add_peer(Quiet)
    peer.send_raw(frame(params.magic, "nonsense", bytes(1000)) * 12_000)
    peer.sync()


def test_announcements_are_kept_up_to_a_number(node):
    """What is announced beyond 5000 transactions is forgotten: no request follows."""
    node.disconnect_peers()
    peer = node.add_peer(Quiet, wtxidrelay=True)
    start = [struct.pack("<I", i).ljust(32, b"\x55") for i in range(6000)]
    peer.send_and_sync(InvMsg([Inv(5, h) for h in start]))
    info = node.getpeerinfo()[0]
    assert info["bytesrecv_per_msg"]["inv"] > 6000 * 36

    def asked():
        return {i.hash for m in peer.received("getdata") for i in m.items}
    peer.wait(lambda p: len(asked()) >= 100, what="for requests")
    assert asked() <= set(start[:5000])


def test_two_nodes_that_send_much_to_each_other_do_not_block(lab, params):
    """Each writes more than the sockets hold while the other does the same."""
    nodes = [lab.node("-nodebug", params=params) for _ in range(2)]
    nodes[0].connect(nodes[1])
    chunk = "00" * (4_000_000 - 1)
    for _ in range(3):
        for node in nodes:
            (peer,) = node.getpeerinfo()
            assert node.sendmsgtopeer(peer["id"], "unknown", chunk) == {}

    def arrived(node):
        (peer,) = node.getpeerinfo()
        return peer["bytesrecv_per_msg"].get("*other*", 0) > 3 * 3_999_999
    for node in nodes:
        wait_until(lambda n=node: arrived(n), what="for all of it")
