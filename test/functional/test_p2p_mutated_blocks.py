"""Blocks whose transactions were tampered with on the way: their sender goes, the block itself
stays welcome, and nobody else's download is disturbed."""
import pytest

from framework import fixtures
from framework.blocks import Chain
from framework.messages import (BlockMsg, BlockTxn, CmpctBlock, Headers, SendCmpct)
from framework.p2p import Peer
from framework.primitives import Block
from framework.util import wait_until


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(110)


@pytest.fixture
def honest(node):
    node.disconnect_peers()
    peer = node.add_outbound()
    peer.send_and_sync(SendCmpct(False, 2))
    return peer


@pytest.fixture
def block(node, wallet):
    """A block with three transactions that the node has not seen."""
    txs = [wallet.create(confirmed_only=True) for _ in range(3)]
    return Chain.of(node).next(txs, witness=True)


def _stripped(block):
    bad = block.copy()
    for tx in bad.txs:
        for txin in tx.vin:
            txin.witness = []
    return bad


def _without_last(block):
    bad = block.copy()
    bad.txs.pop()
    return bad


def _repeated(block):
    """The same Merkle root with a transaction twice (CVE-2012-2459)."""
    bad = block.copy()
    bad.txs = bad.txs[:3] + [bad.txs[2]] if len(bad.txs) == 3 else bad.txs + bad.txs[-2:]
    return bad


def _other_witness(block):
    bad = block.copy()
    bad.txs[1].vin[0].witness = bad.txs[1].vin[0].witness + [b"\x01"]
    return bad


def _inner_nodes(block):
    """64 octets that may be two hashes instead of a transaction."""
    bad = block.copy()
    bad.txs = [bad.txs[1]]
    return bad


MUTATIONS = [_stripped, _without_last, _repeated, _other_witness, _inner_nodes]


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda f: f.__name__[1:])
def test_a_mutated_block_changes_nothing(node, wallet, honest, block, mutate):
    # the honest peer is asked for what is missing
    honest.send(CmpctBlock.of(block))
    asked = honest.wait_for("getblocktxn").indexes
    assert asked == [1, 2, 3]
    (in_flight,) = [p["inflight"] for p in node.getpeerinfo()]
    attacker = node.add_peer()
    start = node.log_size()
    attacker.send(BlockMsg(mutate(block)))
    attacker.wait_disconnect()
    node.wait_log("Received mutated block from peer=", start)
    node.wait_log("mutated block", start)
    # it is still under way, and is taken when it comes
    wait_until(lambda: [p["inflight"] for p in node.getpeerinfo()] == [in_flight])
    assert not any(t["hash"] == block.hash and t["status"] == "invalid"
                   for t in node.getchaintips())
    honest.send(BlockTxn(block.hash_bytes, block.txs[1:]))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    wallet.rescan()


def test_requested_from_the_attacker_itself(node, wallet, honest, block):
    """Its request is forgotten with it, and another peer is asked."""
    attacker = node.add_peer()
    attacker.send_and_sync(Headers([block]))
    assert attacker.count["getdata"] == 1
    attacker.send(BlockMsg(_stripped(block)))
    attacker.wait_disconnect()
    honest.send(Headers([block]))
    honest.wait_for("getdata")
    honest.send(BlockMsg(block))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    wallet.rescan()


def test_with_an_unknown_parent_it_is_no_different_from_any(node, honest):
    """Whether it is mutated cannot be judged then."""
    chain = Chain.of(node)
    _, second = chain.mine(count=2)
    peer = node.add_peer()
    start = node.log_size()
    bad = second.copy()
    bad.merkle = bytes(32)
    peer.send(BlockMsg(bad.solve()))
    peer.wait_disconnect()
    assert "Received mutated block" not in node.log(start)


def test_only_the_header_of_a_block(node, honest):
    """No transaction at all."""
    block = Chain.of(node).next()
    peer = node.add_peer(Peer)
    peer.send(BlockMsg(Block(block.version, block.prev, block.merkle, block.time,
                             block.bits, block.nonce)))
    peer.wait_disconnect()
    assert node.submitblock(block.hex()) is None
