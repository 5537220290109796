"""getdata: unknown kinds are ignored, missing transactions are named in notfound."""
from framework import fixtures
from framework.messages import (MSG_BLOCK, MSG_TX, MSG_WITNESS_BLOCK, MSG_WTX, GetData,
                                Inv)
from framework.primitives import from_hex


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(101)


def test_invalid_inv_kind_does_not_block_the_queue(node, wallet):
    peer = node.add_peer()
    peer.send(GetData([Inv(0, bytes(32))]))
    best = from_hex(node.getbestblockhash())
    peer.send(GetData([Inv(MSG_BLOCK, best)]))
    got = peer.wait_for("block", lambda m: m.block.hash_bytes == best)
    # without the witness flag the block comes stripped
    assert not any(t.has_witness() for t in got.block.txs)
    peer.clear()
    peer.send(GetData([Inv(MSG_WITNESS_BLOCK, best)]))
    got = peer.wait_for("block", lambda m: m.block.hash_bytes == best)
    assert got.block.hex() == node.getblock(node.getbestblockhash(), 0)


def test_unknown_transactions_are_not_found(node, wallet):
    peer = node.add_peer()
    want = [Inv(MSG_TX, b"\x21" * 32), Inv(MSG_WTX, b"\x22" * 32)]
    peer.send(GetData(want))
    msg = peer.wait_for("notfound")
    assert msg.items == want


def test_unknown_block_gets_no_answer(node, wallet):
    peer = node.add_peer()
    peer.send(GetData([Inv(MSG_BLOCK, b"\x23" * 32)]))
    peer.sync()
    assert "block" not in peer.count and "notfound" not in peer.count


def test_announced_transaction_is_served_by_both_ids(node, wallet):
    peer = node.add_peer()
    tx = wallet.send()
    node.advance(120)      # announcements are spread in time
    peer.wait(lambda p: tx.wtxid_bytes in p.announced(MSG_WTX), what="for the inv")
    peer.clear()
    peer.send(GetData([Inv(MSG_WTX, tx.wtxid_bytes)]))
    assert peer.wait_for("tx").tx.hex() == tx.hex()
    peer.clear()
    peer.send(GetData([Inv(MSG_TX, tx.txid_bytes)]))
    # An earlier answer may still be on its way; only a stripped one answers this request.
    stripped = peer.wait_for("tx", lambda m: not m.tx.has_witness()).tx
    assert stripped.txid == tx.txid and not stripped.has_witness()


def test_too_many_entries_are_misbehaviour(node, wallet):
    peer = node.add_peer()
    start = node.log_size()
    peer.send(GetData([Inv(MSG_TX, b"\x24" * 32)] * 50001))
    peer.wait_disconnect()
    node.wait_log("getdata message size = 50001", start)
