"""Blocks travel through a line of nodes, and a new node catches up headers first."""
import pytest

from framework.node import sync_blocks
from framework.blocks import Chain
from framework.messages import GetHeaders, Headers, Inv, InvMsg, MSG_BLOCK, Sendheaders
from framework.p2p import RelayPeer
from framework.primitives import from_hex
from framework.util import wait_until


def _mine(node, count):
    return node.generatetodescriptor(count, "raw(51)")


def test_line_of_nodes(lab, params):
    a, b, c = (lab.node(params=params) for _ in range(3))
    a.connect(b)
    b.connect(c)
    _mine(a, 1)
    _mine(a, 29)
    sync_blocks([a, b, c])
    assert c.getblockcount() == 30
    # a longer branch wins everywhere
    c.disconnect_peers()
    b.disconnect(c)
    _mine(a, 2)
    _mine(c, 4)
    b.connect(c)
    sync_blocks([a, b, c])
    assert a.getbestblockhash() == c.getbestblockhash() and a.getblockcount() == 34


def test_sync_of_many_blocks(lab):
    """More headers than one message holds."""
    a, b = lab.node(), lab.node()
    _mine(a, 2100)
    b.connect(a)
    sync_blocks([a, b])
    assert b.getblockchaininfo()["headers"] == 2100
    assert b.getblockchaininfo()["initialblockdownload"] is False


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params)
    _mine(node, 10)
    return node


def test_headers_are_served(node):
    peer = node.add_peer()
    chain = Chain.of(node)
    hashes = [b.hash_bytes for b in chain.blocks]
    peer.send(GetHeaders([hashes[4]]))
    got = peer.wait_for("headers", lambda m: m.items)
    assert [h.hash_bytes for h in got.items] == hashes[5:]
    peer.clear()
    peer.send(GetHeaders([b"\x77" * 32, hashes[2]], stop=hashes[5]))
    got = peer.wait_for("headers")
    assert [h.hash_bytes for h in got.items] == hashes[3:6]
    peer.clear()
    peer.send(GetHeaders([], stop=hashes[7]))     # no locator: exactly that header
    assert [h.hash_bytes for h in peer.wait_for("headers").items] == [hashes[7]]
    peer.clear()
    peer.send(GetHeaders([hashes[-1]]))
    assert peer.wait_for("headers").items == []


def test_new_blocks_are_announced_as_inv_or_headers(node):
    plain, modern = node.add_peer(), node.add_peer()
    modern.send_and_sync(Sendheaders())
    for p in (plain, modern):
        p.send(GetHeaders([from_hex(node.getbestblockhash())]))
        p.wait_for("headers")
        p.clear()
    (new,) = _mine(node, 1)
    plain.wait(lambda p: from_hex(new) in p.announced(MSG_BLOCK))
    modern.wait(lambda p: any(h.hash == new for m in p.received("headers")
                              for h in m.items))


def test_node_downloads_from_a_peer(node):
    chain = Chain.of(node)
    blocks = chain.mine(count=40, extra=b"\x05")
    peer = node.add_peer(RelayPeer)
    peer.send_blocks(blocks, node)
    assert node.getblockcount() == chain.height


def test_inv_of_an_unknown_block_leads_to_getheaders(node):
    chain = Chain.of(node)
    blocks = chain.mine(count=2, extra=b"\x06")
    peer = node.add_peer(RelayPeer)
    peer.add_blocks(blocks)
    peer.send(InvMsg([Inv(MSG_BLOCK, blocks[1].hash_bytes)]))
    wait_until(lambda: node.getbestblockhash() == blocks[1].hash)


def test_headers_that_do_not_connect(node):
    chain = Chain.of(node)
    blocks = chain.mine(count=3, extra=b"\x07")
    peer = node.add_peer()
    before = peer.count.get("getheaders", 0)
    peer.send(Headers([blocks[2]]))
    peer.wait(lambda p: p.count.get("getheaders", 0) > before)
    assert not peer.closed
    start = node.log_size()
    peer.send(Headers([blocks[0], blocks[2]]))
    peer.wait_disconnect()
    node.wait_log("non-continuous headers sequence", start)


def test_invalid_header_disconnects(node):
    chain = Chain.of(node)
    bad = chain.next()
    while bad.meets_target():
        bad.nonce += 1
    peer = node.add_peer()
    start = node.log_size()
    peer.send(Headers([bad]))
    peer.wait_disconnect()
    node.wait_log("header with invalid proof of work", start)


def test_invalid_block_disconnects_its_sender(node):
    chain = Chain.of(node)
    bad = chain.next(value=node.params.max_coinbase(chain.height + 1) + 1)
    peer = node.add_peer(RelayPeer)
    peer.send_blocks([bad], node, success=False, reason="bad-cb-amount",
                     disconnect=True)


def test_branches_of_a_peer_are_followed_by_work(node):
    chain = Chain.of(node)
    height = chain.height
    short, long = chain.fork(height - 3), chain.fork(height - 5)
    peer = node.add_peer(RelayPeer)
    lower = short.mine(count=2, extra=b"\x08")
    peer.send(Headers(lower))        # less work than our tip
    peer.sync()
    assert node.getblockcount() == height
    assert not any(i.hash == lower[-1].hash_bytes for m in peer.received("getdata")
                   for i in m.items)
    higher = long.mine(count=7, extra=b"\x09")
    peer.send_blocks(higher, node)
    assert node.getbestblockhash() == long.tip.hash
