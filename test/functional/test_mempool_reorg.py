"""What a reorganisation does to the mempool: returns, removals, maturity, locks."""
from framework import fixtures
from framework.blocks import Chain
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.wallet import MiniWallet


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(120)


def test_transactions_come_back(node, wallet):
    """As Core's mempool_resurrect: three generations, mined in two blocks."""
    first = [wallet.create(utxos=[u]) for u in wallet.get_utxos(3)]
    for tx in first:
        node.sendrawtransaction(tx.hex())
    (block1,) = wallet.generate(1, sync=False)
    second = [wallet.create(utxos=wallet.outputs_of(t)) for t in first]
    for tx in second:
        node.sendrawtransaction(tx.hex())
    wallet.generate(1, sync=False)
    assert node.getrawmempool() == []
    node.invalidateblock(block1)
    assert sorted(node.getrawmempool()) == sorted(t.txid for t in first + second)
    wallet.generate(1, sync=False)
    assert node.getrawmempool() == []
    wallet.rescan()


def test_spend_of_an_immature_coinbase_leaves(node, wallet):
    """As Core's mempool_spend_coinbase and mempool_reorg."""
    height = node.getblockcount()
    coins = {u.height: u for u in wallet.utxos if u.coinbase}
    mature, young = coins[height - 99], coins[height - 98]
    ok = wallet.create(utxos=[mature])
    node.sendrawtransaction(ok.hex())
    early = wallet.create(utxos=[young])
    expect_error(-26, "bad-txns-premature-spend-of-coinbase", node.sendrawtransaction,
                 early.hex())
    assert node.getrawmempool() == [ok.txid]
    wallet.generate(1, sync=False)
    node.sendrawtransaction(early.hex())
    child = wallet.create(utxos=wallet.outputs_of(early))
    node.sendrawtransaction(child.hex())
    assert set(node.getrawmempool()) == {early.txid, child.txid}
    node.invalidateblock(node.getbestblockhash())
    assert node.getrawmempool() == [ok.txid]
    node.advance(60)       # another time: another block
    wallet.generate(1, sync=False)
    wallet.rescan()


def test_time_locks_are_checked_again(node, wallet):
    tip, tip_hash = node.getblockcount(), node.getbestblockhash()
    tx = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)],
                       sequence=0xfffffffe, locktime=tip)
    node.sendrawtransaction(tx.hex())
    node.invalidateblock(tip_hash)
    assert tx.txid not in node.getrawmempool()
    node.reconsiderblock(tip_hash)
    assert node.getblockcount() == tip
    node.sendrawtransaction(tx.hex())
    wallet.generate(1, sync=False)
    wallet.rescan()


def test_conflicts_of_the_new_branch_win(node, wallet):
    """A transaction that the other branch double spends does not come back."""
    utxo = wallet.get_utxo(confirmed_only=True)
    loser = wallet.create(utxos=[utxo], fee=1_000)
    child = wallet.create(utxos=wallet.outputs_of(loser), fee=1_000)
    winner = wallet.create(utxos=[utxo], fee=2_000)
    chain = Chain.of(node)
    side = chain.fork(chain.height)
    node.sendrawtransaction(loser.hex())
    node.sendrawtransaction(child.hex())
    wallet.generate(1, sync=False)
    for block in side.mine([winner], count=2):
        node.submitblock(block.hex())
    assert node.getbestblockhash() == side.tip.hash
    pool = node.getrawmempool()
    assert loser.txid not in pool and child.txid not in pool
    wallet.rescan()


def test_block_conflict_removes_pool_transaction(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    pooled = wallet.create(utxos=[utxo], fee=1_000)
    mined = wallet.create(utxos=[utxo], fee=2_000)
    node.sendrawtransaction(pooled.hex())
    chain = Chain.of(node)
    assert node.submitblock(chain.next([mined]).hex()) is None
    assert pooled.txid not in node.getrawmempool()
    wallet.rescan()


def test_deep_reorganisation_keeps_what_is_valid(node, wallet):
    """More than ten blocks deep: transactions return in an order that works."""
    base = node.getblockcount()
    txs = []
    utxo = wallet.get_utxo(confirmed_only=True)
    for _ in range(12):
        tx = wallet.create(utxos=[utxo])
        node.sendrawtransaction(tx.hex())
        txs.append(tx)
        utxo = wallet.outputs_of(tx)[0]
        wallet.generate(1, sync=False)
    chain = Chain.of(node).fork(base)
    for block in chain.mine(count=13, extra=b"\x0e"):
        node.submitblock(block.hex())
    assert node.getbestblockhash() == chain.tip.hash
    pool = set(node.getrawmempool())
    assert pool == {t.txid for t in txs}
    entry = node.getmempoolentry(txs[-1].txid)
    assert entry["ancestorcount"] == 12
    wallet.generate(1, sync=False)
    assert node.getrawmempool() == []
    wallet.rescan()


def test_coinbase_children_of_a_lost_block_vanish(node, wallet):
    """An output that exists in no branch any more takes its spenders along."""
    chain = Chain.of(node)
    side = chain.fork(chain.height - 1)
    tip_coinbase = chain.tip.txs[0]
    spend = Tx([TxIn(OutPoint(tip_coinbase.txid, 0))], [TxOut(0, b"\x51")])
    assert spend.txid not in node.getrawmempool()
    for block in side.mine(count=2, extra=b"\x0f"):
        node.submitblock(block.hex())
    assert node.getbestblockhash() == side.tip.hash
    assert node.gettxout(tip_coinbase.txid, 0) is None


def test_deep_invalidation_takes_the_spenders_along(lab, params):
    """More than ten blocks down nothing comes back, and nothing that spends it stays."""
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(120)
    parent = wallet.send(confirmed_only=True)
    wallet.generate(12)
    child = wallet.create(utxos=[wallet.get_utxo(txid=parent.txid)])
    wallet.broadcast(child)
    node.invalidateblock(node.getblockhash(121))
    assert node.getrawmempool() == []
