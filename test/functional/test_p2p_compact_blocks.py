"""Compact blocks (BIP 152): announcing, rebuilding from the mempool, asking the rest."""
import pytest

from framework import fixtures
from framework.blocks import Chain, recommit, resolve
from framework.messages import (BlockMsg, BlockTxn, CmpctBlock, GetBlockTxn, GetData,
                                GetHeaders, Headers, Inv, InvMsg, MSG_BLOCK,
                                MSG_CMPCT_BLOCK, SendCmpct, Sendheaders)
from framework.p2p import RelayPeer
from framework.primitives import from_hex
from framework.util import wait_until


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(115)


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


# -- How blocks are announced ----------------------------------------------

class Silent(RelayPeer):
    """Asks for nothing that is announced."""

    def on_getheaders(self, msg):
        self.send(Headers([]))


@pytest.fixture
def silent(node):
    node.disconnect_peers()
    return node.add_peer(Silent)


def _announced_as(node, wallet, peer):
    """Mines a block; the kind of message that told of it."""
    peer.send_and_sync(GetHeaders([from_hex(node.getbestblockhash())]))
    peer.clear()
    (new,) = wallet.generate(1)

    def found(p):
        for command, m in list(p.log):
            if command == "cmpctblock" and m.header.hash == new or \
                    command == "headers" and any(h.hash == new for h in m.items) or \
                    command == "inv" and any(i.hash == from_hex(new) for i in m.items):
                return command
        return None
    return peer.wait(found, what="for the announcement")


def test_announcements_follow_the_last_sendcmpct(node, wallet, silent):
    assert _announced_as(node, wallet, silent) == "inv"
    # versions that nobody speaks any more, or yet
    for version in (1, 3):
        silent.send_and_sync(SendCmpct(True, version))
        assert _announced_as(node, wallet, silent) == "inv"
        assert node.getpeerinfo()[0]["bip152_hb_from"] is False
    silent.send_and_sync(SendCmpct(False, 2))
    assert _announced_as(node, wallet, silent) == "inv"
    silent.send_and_sync(Sendheaders())
    assert _announced_as(node, wallet, silent) == "headers"
    for _ in range(2):
        silent.send_and_sync(SendCmpct(True, 2))
        assert node.getpeerinfo()[0]["bip152_hb_from"] is True
        assert _announced_as(node, wallet, silent) == "cmpctblock"
    silent.send_and_sync(SendCmpct(True, 1))           # changes nothing
    assert _announced_as(node, wallet, silent) == "cmpctblock"
    silent.send_and_sync(SendCmpct(False, 2))
    assert node.getpeerinfo()[0]["bip152_hb_from"] is False
    assert _announced_as(node, wallet, silent) == "headers"


def test_without_sendheaders(node, wallet, silent):
    silent.send_and_sync(SendCmpct(True, 2))
    assert _announced_as(node, wallet, silent) == "cmpctblock"


def test_everybody_gets_a_submitted_block_at_once(node, wallet, silent):
    peers = [silent, *(node.add_peer(Silent) for _ in range(2))]
    for p in peers:
        p.send_and_sync(SendCmpct(True, 2), GetHeaders([from_hex(node.getbestblockhash())]))
    txs = [wallet.send(confirmed_only=True) for _ in range(2)]
    block = Chain.of(node).next(txs, witness=True)
    assert node.submitblock(block.hex()) is None
    for p in peers:
        msg = p.wait_for("cmpctblock")
        assert msg.header.hash == block.hash
        assert msg.ids == CmpctBlock.of(block, msg.nonce).ids
    wallet.rescan()


# -- What is asked for -------------------------------------------------------

def _block(node, wallet, count):
    txs = [wallet.create(confirmed_only=True) for _ in range(count)]
    return Chain.of(node).next(txs, witness=True)


def test_an_announced_block_is_asked_for_in_compact_form(node, wallet, peer):
    """By header or inv; what comes may even be a bare header with every id missing."""
    for announce in ("headers", "inv"):
        block = _block(node, wallet, 2)
        peer.clear()
        if announce == "headers":
            peer.send(Headers([block]))
        else:
            peer.order = [*Chain.of(node).blocks, block]
            peer.send(InvMsg([Inv(MSG_BLOCK, block.hash_bytes)]))
        asked = peer.wait_for("getdata").items
        assert asked == [Inv(MSG_CMPCT_BLOCK, block.hash_bytes)]
        peer.send(CmpctBlock.of(block, prefill=()))
        assert peer.wait_for("getblocktxn").indexes == [0, 1, 2]
        assert node.getbestblockhash() != block.hash
        peer.send(BlockTxn(block.hash_bytes, block.txs))
        wait_until(lambda: node.getbestblockhash() == block.hash)
        wallet.rescan()


@pytest.mark.parametrize("prefill, known, missing", [
    ((0,), (), [1, 2, 3, 4, 5]), ((0, 1, 5), (), [2, 3, 4]), ((0,), (1, 2, 3, 4, 5), []),
    ((0, 3), (1,), [2, 4, 5]), ((0, 1, 2, 3, 4, 5), (), [])])
def test_only_what_is_missing_is_asked_for(node, wallet, peer, prefill, known, missing):
    block = _block(node, wallet, 5)
    for i in known:
        node.sendrawtransaction(block.txs[i].hex())
    peer.clear()
    peer.send_and_sync(CmpctBlock.of(block, prefill=prefill))
    asked = peer.last.get("getblocktxn")
    assert (asked.indexes if asked else []) == missing
    if missing:
        peer.send(BlockTxn(block.hash_bytes, [block.txs[i] for i in missing]))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    wallet.rescan()


def test_a_second_blocktxn_ends_the_connection(node, wallet, peer):
    block = _block(node, wallet, 2)
    peer.clear()
    peer.send(CmpctBlock.of(block))
    peer.wait_for("getblocktxn")
    wrong = BlockTxn(block.hash_bytes, [block.txs[2], block.txs[1]])
    peer.send_and_sync(wrong)
    assert Inv(MSG_BLOCK | 1 << 30, block.hash_bytes) in peer.wait_for("getdata").items
    peer.send(wrong)
    peer.wait_disconnect()
    assert node.getbestblockhash() != block.hash


def test_blocktxn_that_nobody_asked_for(node, wallet, peer):
    block = _block(node, wallet, 1)
    start = node.log_size()
    peer.send_and_sync(BlockTxn(block.hash_bytes, block.txs[1:]))
    node.wait_log("sent us block transactions for block we weren't expecting", start)


def test_the_wrong_number_of_transactions(node, wallet, peer):
    block = _block(node, wallet, 2)
    peer.clear()
    peer.send(CmpctBlock.of(block))
    peer.wait_for("getblocktxn")
    peer.send(BlockTxn(block.hash_bytes, block.txs[1:2]))
    peer.wait_disconnect()


def test_colliding_short_ids_lead_to_the_whole_block(node, wallet, peer):
    block = _block(node, wallet, 2)
    msg = CmpctBlock.of(block)
    msg.ids[1] = msg.ids[0]
    peer.add_blocks([block])
    peer.clear()
    peer.send(msg)
    wait_until(lambda: node.getbestblockhash() == block.hash)
    assert "getblocktxn" not in peer.count
    wallet.rescan()


def test_an_invalid_transaction_is_no_fault_of_the_sender(node, wallet, peer):
    """It may announce before it has checked (BIP 152)."""
    block = _block(node, wallet, 3)
    bad = block.copy()
    bad.txs[3].vout[0].value += 10 ** 12
    recommit(bad)
    peer.clear()
    peer.send(CmpctBlock.of(bad, prefill=(0, 1, 2, 3)))
    wait_until(lambda: any(t["hash"] == bad.hash and t["status"] == "invalid"
                           for t in node.getchaintips()))
    peer.sync()
    # nor is a header that builds on it, as long as it comes this way
    child = Chain.of(node).next(extra=b"\x51")
    child.prev = bad.hash_bytes
    start = node.log_size()
    peer.send(CmpctBlock.of(resolve(child)))
    peer.wait_disconnect()
    node.wait_log("invalid header via cmpctblock", start)


# -- Blocks that are not at the tip -------------------------------------------

@pytest.mark.parametrize("depth, kind", [(0, "cmpctblock"), (5, "cmpctblock"), (6, "block")])
def test_old_blocks_are_sent_whole(node, wallet, peer, depth, kind):
    h = node.getblockhash(node.getblockcount() - depth)
    peer.clear()
    peer.send(GetData([Inv(MSG_CMPCT_BLOCK, from_hex(h))]))
    msg = peer.wait_for(kind)
    assert (msg.header if kind == "cmpctblock" else msg.block).hash == h


@pytest.mark.parametrize("depth, kind", [(10, "blocktxn"), (11, "block")])
def test_transactions_of_old_blocks(node, wallet, peer, depth, kind):
    block = Chain.of(node).blocks[-1 - depth]
    peer.clear()
    peer.send(GetBlockTxn(block.hash_bytes, [0]))
    msg = peer.wait_for(kind)
    if kind == "blocktxn":
        assert [t.wtxid for t in msg.txs] == [block.txs[0].wtxid]
    else:
        assert msg.block.hash == block.hash


def test_compact_blocks_below_the_tip_are_not_taken(node, wallet, peer):
    chain = Chain.of(node)
    stale = chain.fork(chain.height - 3).next(extra=b"\x52")
    peer.clear()
    peer.send_and_sync(CmpctBlock.of(stale))
    assert "getdata" not in peer.count and "getblocktxn" not in peer.count
    assert (stale.hash, "headers-only") in [(t["hash"], t["status"])
                                            for t in node.getchaintips()]
    # and what is known by its header only is not told about
    peer.send_and_sync(GetBlockTxn(stale.hash_bytes, [0]))
    assert "blocktxn" not in peer.count


def test_low_work_compact_blocks_are_ignored(node, wallet, peer):
    if node.getblockcount() < 160:
        wallet.generate(160 - node.getblockcount())
    chain = Chain.of(node)
    low = chain.fork(chain.height - 150).next(extra=b"\x53")
    start = node.log_size()
    peer.send_and_sync(CmpctBlock.of(low))
    node.wait_log("Ignoring low-work compact block from peer", start)
    assert low.hash not in [t["hash"] for t in node.getchaintips()]


def test_an_unknown_parent_leads_to_getheaders(node, wallet, peer):
    _, second = Chain.of(node).mine(count=2, extra=b"\x54")
    peer.send_and_sync(Headers([]))
    peer.clear()
    peer.send_and_sync(CmpctBlock.of(second))
    assert "getheaders" in peer.count


def test_blocks_further_ahead_come_whole(node, wallet, peer):
    """Three above the tip the mempool says nothing about the block."""
    blocks = Chain.of(node).mine(count=3, extra=b"\x55")
    peer.send_and_sync(Headers(blocks[:2]))
    peer.clear()
    peer.add_blocks(blocks[2:])
    peer.send(CmpctBlock.of(blocks[2]))
    peer.wait(lambda p: Inv(MSG_BLOCK | 1 << 30, blocks[2].hash_bytes) in
              [i for m in p.received("getdata") for i in m.items])
    for b in blocks[:2]:
        peer.send(BlockMsg(b))
    wait_until(lambda: node.getbestblockhash() == blocks[2].hash)
