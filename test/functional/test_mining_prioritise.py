"""prioritisetransaction: fee deltas in the mempool, in templates and blocks, over time."""
from framework import fixtures
from framework.rpc import expect_error

ARGS = ("-datacarriersize=100000", "-blockmaxweight=400000")
node = fixtures.node_of_each(*ARGS)
bank = fixtures.bank(103, coins=60)
wallet = fixtures.bank_with_empty_pool()


def send(wallet, **kwargs):
    kwargs.setdefault("utxos", [wallet.get_utxo(confirmed_only=True)])
    tx = wallet.create(**kwargs)
    wallet.node.sendrawtransaction(tx.hex(), 0)
    return tx


def test_arguments(node):
    missing = "77" * 32
    text = "txid must be of length 64 (not 3, for 'foo')"
    expect_error(-8, text, node.prioritisetransaction, "foo", 0, 0)
    expect_error(-8, "must be hexadecimal string", node.prioritisetransaction, "Z" * 64, 0, 0)
    expect_error(-3, "", node.prioritisetransaction, missing, "foo", 0)
    expect_error(-3, "", node.prioritisetransaction, missing, 0, "foo")
    expect_error(-1, "prioritisetransaction", node.prioritisetransaction)
    expect_error(-1, "prioritisetransaction", node.prioritisetransaction, missing, 0, 0, 0)
    expect_error(-8, "Priority is no longer supported, dummy argument to "
                 "prioritisetransaction must be 0.", node.prioritisetransaction, missing, 1, 0)


def test_a_diamond_shares_no_delta_twice(node, wallet):
    """A parent, two children and their child: one delta counts once everywhere."""
    top = send(wallet, outputs=2, fee=1_000)
    sides = [send(wallet, utxos=[u], fee=1_000) for u in wallet.outputs_of(top)]
    last = send(wallet, utxos=[wallet.outputs_of(s)[0] for s in sides], fee=1_000)
    deltas = {top: 10_000, sides[0]: 300, sides[1]: -20, last: 4}
    for tx, delta in deltas.items():
        node.prioritisetransaction(tx.txid, 0, delta)
    amount, pool = node.params.amount, node.getrawmempool(True)
    for tx in deltas:
        assert pool[tx.txid]["fees"]["base"] == amount(1_000)
        assert pool[tx.txid]["fees"]["modified"] == amount(1_000 + deltas[tx])
    assert pool[last.txid]["fees"]["ancestor"] == amount(4_000 + 10_284)
    assert pool[top.txid]["fees"]["descendant"] == amount(4_000 + 10_284)
    assert pool[sides[0].txid]["fees"]["descendant"] == amount(2_000 + 304)
    shown = node.getprioritisedtransactions()
    assert shown == {tx.txid: {"fee_delta": d, "in_mempool": True,
                               "modified_fee": 1_000 + d} for tx, d in deltas.items()}


def test_a_block_ends_deltas_a_conflict_too(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    mined = send(wallet, fee=1_000)
    lost = send(wallet, utxos=[utxo], fee=1_000)
    unseen = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)], fee=1_000)
    for tx in (mined, lost, unseen):
        node.prioritisetransaction(tx.txid, 0, 500)
    rival = wallet.create(utxos=[utxo], fee=1_000, outputs=2)
    node.generateblock("raw(51)", [mined.hex(), rival.hex()])
    assert list(node.getprioritisedtransactions()) == [unseen.txid]
    # it waits for its transaction
    assert node.getprioritisedtransactions()[unseen.txid] == {"fee_delta": 500,
                                                              "in_mempool": False}
    node.sendrawtransaction(unseen.hex())
    assert node.getmempoolentry(unseen.txid)["fees"]["modified"] == node.params.amount(1_500)
    node.generateblock("raw(51)", [unseen.hex()])
    assert node.getprioritisedtransactions() == {}


def test_a_replaced_one_keeps_its_delta(node, wallet):
    """It may come back."""
    utxo = wallet.get_utxo(confirmed_only=True)
    first = send(wallet, utxos=[utxo], fee=1_000)
    node.prioritisetransaction(first.txid, 0, 200)
    second = send(wallet, utxos=[utxo], fee=5_000)
    assert node.getprioritisedtransactions()[first.txid] == {"fee_delta": 200,
                                                             "in_mempool": False}
    node.prioritisetransaction(first.txid, 0, 9_000)
    node.sendrawtransaction(first.hex())
    assert second.txid not in node.getrawmempool()
    node.prioritisetransaction(first.txid, 0, -9_200)
    assert node.getprioritisedtransactions() == {}


def test_free_transactions_may_be_favoured(node, wallet):
    """The delta lets it in, and into a block, before what pays."""
    free = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)], fee=0)
    expect_error(-26, "min relay fee not met, 0 < ", node.sendrawtransaction, free.hex())
    node.prioritisetransaction(free.txid, 0, free.vsize)
    node.sendrawtransaction(free.hex())
    paying = send(wallet, fee_rate=2_000)
    template = node.getblocktemplate({"rules": ["segwit"]})["transactions"]
    assert [t["txid"] for t in template] == [paying.txid, free.txid]
    node.prioritisetransaction(free.txid, 0, 50_000)
    node.advance(60)        # the template is made anew
    template = node.getblocktemplate({"rules": ["segwit"]})["transactions"]
    assert [(t["txid"], t["fee"]) for t in template][0] == (free.txid, 0)


def test_blocks_follow_deltas(node, wallet):
    """More than a block's worth: one of the best is pushed out, one of the worst in."""
    tiers = [[send(wallet, fee_rate=rate, target_vsize=9_000) for _ in range(5)]
             for rate in (2_000, 3_000, 4_000)]
    worst, best = tiers[0][0], tiers[2][0]
    node.prioritisetransaction(worst.txid, 0, 100_000)
    node.prioritisetransaction(best.txid, 0, -30_000)
    (block,) = node.generatetodescriptor(1, "raw(51)")
    mined = node.getblock(block)["tx"]
    assert worst.txid in mined and best.txid not in mined
    assert 3 <= len(mined) - 1 < 15
    assert best.txid in node.getrawmempool()
    assert worst.txid not in node.getprioritisedtransactions()
    node.prioritisetransaction(best.txid, 0, 30_000)


def test_large_deltas(node, wallet):
    """Sums saturate and cancel."""
    tx = send(wallet, fee=1_000)
    for delta in (2_100_000_000_000_000, -2_100_000_000_000_000):
        node.prioritisetransaction(tx.txid, 0, delta)
        assert node.getmempoolentry(tx.txid)["fees"]["modified"] == node.params.amount(
            1_000 + (delta if delta > 0 else 0))
    assert node.getprioritisedtransactions() == {}
