"""Reorganisations: any depth, with transactions, refused at an invalid block."""
from framework import fixtures
from framework.blocks import Chain
from framework.primitives import OutPoint, Tx, TxIn, TxOut


def _common(info):
    return {k: info[k] for k in ("height", "bestblock", "txouts", "muhash",
                                 "total_amount")}


node = fixtures.node_of_each()


def test_more_work_wins_first_seen_stays(node):
    base = Chain.of(node)
    a, b = base.fork(0), base.fork(0)
    for block in a.mine(count=3, extra=b"\x01"):
        assert node.submitblock(block.hex()) is None
    for block in b.mine(count=3, extra=b"\x02"):
        assert node.submitblock(block.hex()) == "inconclusive"
    assert node.getbestblockhash() == a.tip.hash
    (last,) = b.mine(extra=b"\x02")
    assert node.submitblock(last.hex()) is None
    assert node.getbestblockhash() == b.tip.hash
    (back,) = a.mine(extra=b"\x01")
    assert node.submitblock(back.hex()) == "inconclusive"
    (back,) = a.mine(extra=b"\x01")
    assert node.submitblock(back.hex()) is None
    assert node.getbestblockhash() == a.tip.hash


def test_deep_reorganisation_and_back(node, lab):
    """Two hundred blocks with spends; both ways; equal to a node that saw one branch."""
    params = node.params
    base = Chain.of(node)
    a = base.fork(0)
    a.mine(count=105, extra=b"\x03")
    for i in range(1, 40):
        cb = a.coinbase_of(i)
        tx = Tx([TxIn(OutPoint(cb.txid, 0))],
                [TxOut(cb.vout[0].value // 3, b"\x51")] * 3)
        child = Tx([TxIn(OutPoint(tx.txid, 1))], [TxOut(7, b"\x51")])
        a.mine([tx, child], extra=b"\x03")
    b = a.fork(a.height - 140)
    b.mine(count=145, extra=b"\x04")
    for block in a.blocks[1:]:
        node.submitblock(block.hex())
    assert node.getbestblockhash() == a.tip.hash
    on_a = _common(node.gettxoutsetinfo("muhash"))
    for block in b.blocks[a.height - 139:]:
        node.submitblock(block.hex())
    assert node.getbestblockhash() == b.tip.hash
    on_b = _common(node.gettxoutsetinfo("muhash"))
    node.invalidateblock(b.blocks[a.height - 139].hash)
    assert node.getbestblockhash() == a.tip.hash
    assert _common(node.gettxoutsetinfo("muhash")) == on_a
    node.reconsiderblock(b.tip.hash)
    assert _common(node.gettxoutsetinfo("muhash")) == on_b
    fresh = lab.node(params=params)
    for block in b.blocks[1:]:
        assert fresh.submitblock(block.hex()) is None
    assert _common(fresh.gettxoutsetinfo("muhash")) == on_b
    if params.tickets:
        assert fresh.getstateroot() == node.getstateroot()


def test_invalid_block_stops_the_reorganisation(node):
    chain = Chain.of(node)
    side = chain.fork(chain.height - 5)
    side.mine(count=4, extra=b"\x05")
    side.mine(value=node.params.max_coinbase(side.height + 1) + 1, extra=b"\x05")
    side.mine(count=3, extra=b"\x05")
    new = side.blocks[chain.height - 4:]
    before = _common(node.gettxoutsetinfo("muhash"))
    for block in new:
        node.submitblock(block.hex())
    # the valid part has less work than ours, so we are back where we were
    assert node.getbestblockhash() == chain.tip.hash
    assert _common(node.gettxoutsetinfo("muhash")) == before
    tips = {t["hash"]: t["status"] for t in node.getchaintips()}
    assert "invalid" in tips.values()
    (block,) = chain.mine(extra=b"\x06")
    assert node.submitblock(block.hex()) is None


def test_blocks_in_any_order(node):
    """Headers first, then bodies backwards: connected as soon as the gap is closed."""
    chain = Chain.of(node)
    new = chain.mine(count=6, extra=b"\x07")
    for block in new:
        node.submitheader(block.serialize_header().hex())
    for block in reversed(new):
        node.submitblock(block.hex())
    assert node.getbestblockhash() == chain.tip.hash


def test_spend_created_and_destroyed_on_each_side(node):
    """The same coin is spent differently on both sides of a fork."""
    chain = Chain.of(node)
    cb = next(b.txs[0] for b in chain.blocks[1:]
              if node.gettxout(b.txs[0].txid, 0) is not None)
    left, right = chain.fork(chain.height), chain.fork(chain.height)
    spends = [Tx([TxIn(OutPoint(cb.txid, 0))], [TxOut(v, b"\x51")]) for v in (5, 6)]
    left.mine([spends[0]], extra=b"\x08")
    right.mine([spends[1]], count=2, extra=b"\x09")
    assert node.submitblock(left.tip.hex()) is None
    assert node.gettxout(spends[0].txid, 0) is not None
    for block in right.blocks[-2:]:
        node.submitblock(block.hex())
    assert node.gettxout(spends[0].txid, 0) is None
    assert node.gettxout(spends[1].txid, 0)["confirmations"] == 2
