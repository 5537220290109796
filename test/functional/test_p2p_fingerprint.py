"""Blocks and headers of old branches are not told to anybody: they would say who we are."""
import pytest

from framework.blocks import Chain
from framework.messages import GetData, GetHeaders, Inv, MSG_WITNESS_BLOCK
from framework.primitives import from_hex

DAY = 24 * 3600


@pytest.fixture
def peer(lab, params):
    """node.stale: a block that was in the active chain."""
    node = lab.node(params=params)
    node.set_time(node.tip_header()["time"] + 100)
    node.generatetodescriptor(10, "raw(51)")
    chain = Chain.of(node)
    branch = chain.fork(chain.height - 1)
    for b in branch.mine(count=2, extra=b"\x11"):
        node.submitblock(b.hex())
    assert node.getbestblockhash() == branch.tip.hash
    peer = node.add_peer()
    peer.node, peer.stale = node, chain.tip
    peer.unseen = chain.fork(chain.height - 1).next(extra=b"\x12")
    assert node.submitblock(peer.unseen.hex()) == "inconclusive"
    return peer


def _block_is_served(peer, block_hash):
    peer.clear()
    peer.send_and_sync(GetData([Inv(MSG_WITNESS_BLOCK, block_hash)]))
    return block_hash in [m.block.hash_bytes for m in peer.received("block")]


def _header_is_served(peer, block_hash):
    peer.clear()
    peer.send_and_sync(GetHeaders([], stop=block_hash))
    return block_hash in [h.hash_bytes for m in peer.received("headers") for h in m.items]


def _served(peer, block_hash):
    """(the block, its header)"""
    return _block_is_served(peer, block_hash), _header_is_served(peer, block_hash)


def _grow(peer, seconds):
    peer.node.advance(seconds)
    peer.node.generatetodescriptor(1, "raw(51)")
    peer.sync()


def test_branches_are_served_for_a_month(peer):
    stale, first = peer.stale.hash_bytes, from_hex(peer.node.getblockhash(1))
    assert _served(peer, stale) == (True, True)
    _grow(peer, 29 * DAY)
    assert _served(peer, stale) == (True, True)
    _grow(peer, 2 * DAY)
    assert _served(peer, stale) == (False, False)
    assert not peer.closed
    # the active chain is no secret, whatever its age
    assert _served(peer, first) == (True, True)


def test_branches_that_were_never_connected_are_not_served(peer):
    assert _served(peer, peer.unseen.hash_bytes) == (False, False)
