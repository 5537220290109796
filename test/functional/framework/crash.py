"""What crash tests share: a chain with forks, and the truth about each of its tips."""
from .blocks import Chain
from .primitives import OutPoint, Tx, TxIn, TxOut

FIELDS = ("height", "bestblock", "muhash", "txouts", "total_amount")


def fingerprint(node):
    """UTXO hash and state root of the tip."""
    info = node.gettxoutsetinfo("muhash")
    out = {k: info[k] for k in FIELDS}
    if node.params.tickets:
        out["root"] = node.getstateroot()
    return out


def busy_chain(params, blocks, forks):
    """Blocks with spends, in an order that makes a node reorganise now and then."""
    chain = Chain(params)
    chain.mine(count=101)
    order = list(chain.blocks[1:])
    coin = 1
    for i in range(blocks):
        txs = []
        if coin + 100 <= chain.height:
            cb = chain.coinbase_of(coin)
            coin += 1
            tx = Tx([TxIn(OutPoint(cb.txid, 0))],
                    [TxOut(cb.vout[0].value // 8, b"\x51")] * 8)
            txs = [tx, Tx([TxIn(OutPoint(tx.txid, k)) for k in range(4)],
                          [TxOut(9, b"\x51")])]
        if forks and i % (blocks // forks) == 5:
            # the branch that will lose comes first and is one block shorter
            side = chain.fork(chain.height)
            order += side.mine(txs[:1], count=3, extra=b"\x7f")
            order += chain.mine(txs, count=4, extra=b"\x01")
        else:
            order += chain.mine(txs, extra=b"\x01")
    return chain, order


def truth(node, order):
    """Feeds all blocks to a node that nobody kills; fingerprint of every tip it had."""
    seen = {}
    for block in order:
        node.submitblock(block.hex())
        tip = node.getbestblockhash()
        if tip not in seen:
            seen[tip] = fingerprint(node)
    genesis = node.getblockhash(0)
    seen.setdefault(genesis, None)
    return seen


def check_tip(node, seen):
    """After a restart: a tip that exists, with exactly its UTXO set and state."""
    now = fingerprint(node)
    assert now["bestblock"] in seen, now
    if seen[now["bestblock"]] is not None:
        assert now == seen[now["bestblock"]]
    return now["height"]
