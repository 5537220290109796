"""Blocks nobody asked for: kept when they help at once, ignored when too far ahead or of too
little work, and a missing one in between is fetched."""
import pytest

from framework.blocks import Chain
from framework.messages import BlockMsg, Headers
from framework.rpc import expect_error
from framework.util import wait_until


@pytest.fixture
def node(lab, params):
    node = lab.node(params=params)
    node.generatetodescriptor(1, "raw(51)")
    return node


def _tips(node):
    return {t["hash"]: t["status"] for t in node.getchaintips()}


def test_unrequested_blocks(node):
    peer = node.add_peer()
    chain = Chain.of(node)
    genesis_fork = chain.fork(0)
    # one that extends the tip is taken
    b2 = chain.mine()[0]
    peer.send_and_sync(BlockMsg(b2))
    assert node.getblockcount() == 2
    # a fork of less work is not kept
    f1 = genesis_fork.mine()[0]
    peer.send_and_sync(BlockMsg(f1))
    assert _tips(node).get(f1.hash) == "headers-only"
    # one of the same work is kept
    f2 = genesis_fork.mine()[0]
    peer.send_and_sync(BlockMsg(f2))
    assert f2.hash in _tips(node)
    expect_error(-1, "Block not available (not fully downloaded)", node.getblock, f1.hash)
    # more work: kept, though it cannot be connected yet
    f3 = genesis_fork.mine()[0]
    peer.send_and_sync(BlockMsg(f3))
    assert node.getblockcount() == 2
    # the missing one is asked for when it is announced; then all connect
    peer.clear()
    peer.send_and_sync(Headers([f1, f2, f3]))
    asked = peer.wait_for("getdata")
    assert f1.hash_bytes in [i.hash for i in asked.items]
    peer.send_and_sync(BlockMsg(f1))
    wait_until(lambda: node.getbestblockhash() == f3.hash)


def test_far_ahead_is_ignored(node):
    peer = node.add_peer()
    chain = Chain.of(node)
    blocks = chain.mine(count=300)
    peer.send_and_sync(Headers(blocks))
    peer.send_and_sync(BlockMsg(blocks[-1]))     # 300 ahead, not asked for
    expect_error(-1, "Block not available (not fully downloaded)", node.getblock, blocks[-1].hash)
    peer.send_and_sync(BlockMsg(blocks[100]))
    node.getblock(blocks[100].hash)


def test_block_of_unknown_parent_is_not_kept(node):
    peer = node.add_peer()
    chain = Chain.of(node)
    _, second = chain.mine(count=2)
    peer.send(BlockMsg(second))
    peer.wait_disconnect()
    assert node.getblockcount() == 1


def test_below_the_minimum_work(lab, params):
    """Not even what extends the tip, before the chain has the work that is asked for."""
    node = lab.node("-minimumchainwork=0x10", params=params)
    peer = node.add_peer()
    blocks = Chain(params).mine(count=8)
    start = node.log_size()
    peer.send_and_sync(BlockMsg(blocks[0]))
    node.wait_log("too-little-chainwork", start)
    assert [t["height"] for t in node.getchaintips()] == [0]
    # with headers that show enough they are fetched
    peer.send_and_sync(Headers(blocks))
    asked = {i.hash for m in peer.received("getdata") for i in m.items}
    assert asked == {b.hash_bytes for b in blocks}
    for b in blocks:
        peer.send(BlockMsg(b))
    wait_until(lambda: node.getblockcount() == 8)


def test_an_invalid_branch_of_more_work(node):
    """Its blocks are fetched, its first bad one ends it, and headers on top are refused."""
    peer = node.add_peer()
    chain = Chain.of(node)
    branch = chain.fork(0)
    blocks = branch.mine(count=1, extra=b"\x61")
    bad = branch.mine(extra=b"\x62",
                      value=node.params.max_coinbase(branch.height + 1) + 1)[0]
    blocks += [bad, *branch.mine(count=2, extra=b"\x63")]
    peer.send_and_sync(Headers(blocks))
    peer.send_and_sync(*[BlockMsg(b) for b in blocks if b is not bad])
    tip = node.getbestblockhash()
    peer.send(BlockMsg(bad))
    peer.wait_disconnect()
    tips = _tips(node)
    assert node.getbestblockhash() in (tip, blocks[0].hash)
    assert tips[blocks[-1].hash] == "invalid"
    other = node.add_peer()
    other.send(Headers([branch.next(extra=b"\x64")]))
    other.wait_disconnect()
