"""Compact blocks (BIP 152): announcing, rebuilding from the mempool, asking the rest."""
import pytest

from framework.blocks import Chain
from framework.messages import (BlockTxn, CmpctBlock, GetBlockTxn, GetData, GetHeaders, Inv,
                                MSG_CMPCT_BLOCK, SendCmpct)
from framework.p2p import RelayPeer
from framework.primitives import from_hex
from framework.util import wait_until
from framework.wallet import MiniWallet


@pytest.fixture(scope="module")
def node(module_lab, params):
    return module_lab.node(params=params)


@pytest.fixture(scope="module")
def wallet(node):
    wallet = MiniWallet(node)
    wallet.generate(115)
    return wallet


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    peer = node.add_outbound(cls=RelayPeer)
    peer.send_and_sync(SendCmpct(False, 2))
    return peer


def test_sendcmpct_after_the_handshake(peer):
    versions = [m.version for m in peer.received("sendcmpct")]
    assert versions and set(versions) == {2}


def test_high_bandwidth_announcement(node, wallet, peer):
    # only peers that know the block before get the next one unasked
    peer.send(SendCmpct(True, 2), GetHeaders([from_hex(node.getblockhash(0))]))
    peer.wait_for("headers")
    (new,) = wallet.generate(1)
    msg = peer.wait_for("cmpctblock")
    assert msg.header.hash == new and msg.prefilled[0][0] == 0
    assert msg.prefilled[0][1].is_coinbase()


def test_compact_block_on_request(node, wallet, peer):
    tx = wallet.send(confirmed_only=True)
    (new,) = wallet.generate(1)
    peer.clear()
    peer.send(GetData([Inv(MSG_CMPCT_BLOCK, from_hex(new))]))
    msg = peer.wait_for("cmpctblock", lambda m: m.header.hash == new)
    block = Chain.of(node).tip
    assert CmpctBlock.of(block, msg.nonce).ids == msg.ids
    assert tx.txid in [t.txid for t in block.txs]


def test_block_is_rebuilt_from_the_mempool(node, wallet, peer):
    txs = [wallet.send(confirmed_only=True) for _ in range(4)]
    block = Chain.of(node).next(txs, witness=True)
    peer.clear()
    peer.send(CmpctBlock.of(block))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    assert "getblocktxn" not in peer.count
    wallet.rescan()


def test_missing_transactions_are_asked_for(node, wallet, peer):
    known = [wallet.send(confirmed_only=True) for _ in range(2)]
    unknown = [wallet.create(confirmed_only=True) for _ in range(2)]
    txs = [known[0], unknown[0], known[1], unknown[1]]
    block = Chain.of(node).next(txs, witness=True)
    peer.clear()
    peer.send(CmpctBlock.of(block))
    ask = peer.wait_for("getblocktxn")
    assert ask.block_hash == block.hash_bytes and ask.indexes == [2, 4]
    peer.send(BlockTxn(block.hash_bytes, unknown))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    wallet.rescan()


def test_wrong_blocktxn_falls_back_to_the_block(node, wallet, peer):
    unknown = [wallet.create(confirmed_only=True) for _ in range(2)]
    block = Chain.of(node).next(unknown, witness=True)
    peer.add_blocks([block])
    peer.clear()
    peer.send(CmpctBlock.of(block))
    peer.wait_for("getblocktxn")
    peer.send(BlockTxn(block.hash_bytes, unknown[::-1]))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    assert any(i.hash == block.hash_bytes for m in peer.received("getdata")
               for i in m.items)
    wallet.rescan()


def test_getblocktxn_is_answered(node, wallet, peer):
    txs = [wallet.send(confirmed_only=True) for _ in range(3)]
    (new,) = wallet.generate(1)
    block = Chain.of(node).tip
    peer.send(GetBlockTxn(from_hex(new), [1, 3]))
    msg = peer.wait_for("blocktxn")
    assert [t.wtxid for t in msg.txs] == [block.txs[1].wtxid, block.txs[3].wtxid]
    assert len(txs) == 3


def test_getblocktxn_out_of_range_disconnects(node, wallet, peer):
    peer.send(GetBlockTxn(from_hex(node.getbestblockhash()), [50]))
    peer.wait_disconnect()


def test_invalid_compact_block(node, wallet, peer):
    """Prefilled indexes beyond the end are misbehaviour."""
    block = Chain.of(node).next(extra=b"\x31")
    bad = CmpctBlock.of(block)
    bad.prefilled = [(7, block.txs[0])]
    peer.send(bad)
    peer.wait_disconnect()
    assert node.getbestblockhash() != block.hash
