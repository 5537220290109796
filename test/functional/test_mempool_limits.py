"""Ancestor and descendant limits, the size limit with eviction, expiry, entries."""
from decimal import Decimal

from framework import fixtures
from framework.rpc import expect_error
from framework.wallet import MiniWallet


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(115)


def test_twenty_five_in_a_chain(node, wallet):
    chain = wallet.chain(26, wallet.get_utxo(confirmed_only=True), fee=2_000)
    for tx in chain[:25]:
        node.sendrawtransaction(tx.hex())
    err = expect_error(-26, "too-long-mempool-chain", node.sendrawtransaction,
                       chain[25].hex())
    assert "too many unconfirmed ancestors [limit: 25]" in err.message
    pool = node.getrawmempool(True)
    for i, tx in enumerate(chain[:25]):
        entry = pool[tx.txid]
        assert entry == node.getmempoolentry(tx.txid)
        assert entry["ancestorcount"] == i + 1
        assert entry["descendantcount"] == 25 - i
        assert entry["vsize"] == tx.vsize and entry["weight"] == tx.weight
        assert entry["ancestorsize"] == sum(t.vsize for t in chain[:i + 1])
        assert entry["descendantsize"] == sum(t.vsize for t in chain[i:25])
        fee = node.params.amount(2_000)
        assert entry["fees"] == {"base": fee, "modified": fee,
                                 "ancestor": fee * (i + 1),
                                 "descendant": fee * (25 - i)}
        assert entry["depends"] == ([chain[i - 1].txid] if i else [])
        assert entry["spentby"] == ([chain[i + 1].txid] if i < 24 else [])
        assert entry["wtxid"] == tx.wtxid
        assert entry["height"] == node.getblockcount()
        assert entry["unbroadcast"] is True
    last = chain[24].txid
    assert sorted(node.getmempoolancestors(last)) == sorted(t.txid for t in chain[:24])
    assert sorted(node.getmempooldescendants(chain[0].txid)) == \
        sorted(t.txid for t in chain[1:25])
    assert node.getmempoolancestors(last, True)[chain[0].txid]["ancestorcount"] == 1
    assert node.getmempooldescendants(last) == []


def test_fee_deltas_show_in_relatives(node, wallet):
    chain = wallet.chain(3, wallet.get_utxo(confirmed_only=True), fee=2_000)
    for tx in chain:
        node.sendrawtransaction(tx.hex())
    node.prioritisetransaction(chain[0].txid, 0, 1_000)
    node.prioritisetransaction(chain[2].txid, 0, -500)
    amount = node.params.amount
    assert node.getmempoolentry(chain[0].txid)["fees"]["descendant"] == amount(6_500)
    assert node.getmempoolentry(chain[0].txid)["fees"]["modified"] == amount(3_000)
    assert node.getmempoolentry(chain[2].txid)["fees"]["ancestor"] == amount(6_500)
    deltas = node.getprioritisedtransactions()
    assert deltas[chain[0].txid] == {"fee_delta": 1_000, "in_mempool": True,
                                     "modified_fee": 3_000}
    assert deltas[chain[2].txid]["fee_delta"] == -500
    node.prioritisetransaction(chain[0].txid, 0, -1_000)
    assert chain[0].txid not in node.getprioritisedtransactions()
    expect_error(-8, "Priority is no longer supported, dummy argument to "
                 "prioritisetransaction must be 0.", node.prioritisetransaction,
                 chain[0].txid, 1, 0)


def test_descendant_limit_and_carve_out(node, wallet):
    """25 descendants; one small child of the root may come on top."""
    utxo = wallet.get_utxo(confirmed_only=True)
    root = wallet.create(utxos=[utxo], outputs=3, fee=10_000)
    node.sendrawtransaction(root.hex())
    a, b, c = wallet.outputs_of(root)
    chain = wallet.chain(24, a, fee=2_000)
    for tx in chain:
        node.sendrawtransaction(tx.hex())
    wide = wallet.create(utxos=[wallet.outputs_of(chain[5])[0], b], fee=3_000)
    expect_error(-26, "", node.sendrawtransaction, wide.hex())
    extra = wallet.create(utxos=[b], fee=2_000)
    node.sendrawtransaction(extra.hex())
    second = wallet.create(utxos=[c], fee=2_000)
    err = expect_error(-26, "too-long-mempool-chain", node.sendrawtransaction,
                       second.hex())
    assert "too many descendants" in err.message


def test_unknown_entries(node, wallet):
    missing = "11" * 32
    for method in (node.getmempoolentry, node.getmempoolancestors,
                   node.getmempooldescendants):
        expect_error(-5, "Transaction not in mempool", method, missing)


def test_gettxspendingprevout(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    tx = wallet.create(utxos=[utxo])
    node.sendrawtransaction(tx.hex())
    query = [{"txid": utxo.txid, "vout": utxo.vout}, {"txid": tx.txid, "vout": 0}]
    assert node.gettxspendingprevout(query) == [
        dict(query[0], spendingtxid=tx.txid), query[1]]
    expect_error(-8, "Invalid parameter, outputs are missing", node.gettxspendingprevout,
                 [])
    expect_error(-8, "Invalid parameter, vout cannot be negative",
                 node.gettxspendingprevout, [{"txid": utxo.txid, "vout": -1}])
    expect_error(-3, "Unexpected key unknown", node.gettxspendingprevout,
                 [{"txid": utxo.txid, "vout": 0, "unknown": 1}])
    expect_error(-3, "Missing vout", node.gettxspendingprevout, [{"txid": utxo.txid}])
    expect_error(-3, "Missing txid", node.gettxspendingprevout, [{"vout": 3}])


def test_getrawmempool_forms(node, wallet):
    plain = node.getrawmempool()
    assert sorted(plain) == sorted(node.getrawmempool(True))
    numbered = node.getrawmempool(False, True)
    assert sorted(numbered["txids"]) == sorted(plain)
    before = numbered["mempool_sequence"]
    wallet.send(confirmed_only=True)
    assert node.getrawmempool(False, True)["mempool_sequence"] == before + 1
    expect_error(-8, "Verbose results cannot contain mempool sequence values.",
                 node.getrawmempool, True, True)


def test_getmempoolinfo(node, wallet):
    info = node.getmempoolinfo()
    pool = node.getrawmempool(True)
    assert info["loaded"] is True and info["size"] == len(pool)
    assert info["bytes"] == sum(e["vsize"] for e in pool.values())
    assert info["usage"] > info["bytes"] and info["maxmempool"] == 300_000_000
    assert info["total_fee"] == sum(e["fees"]["base"] for e in pool.values())
    rate = node.params.amount(1000)
    assert info["mempoolminfee"] == info["minrelaytxfee"] == rate
    assert info["incrementalrelayfee"] == rate
    assert info["unbroadcastcount"] == len(pool)
    assert info["fullrbf"] is True


def test_expiry(lab, params):
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(103)
    hour = 3600
    start = node.getblockheader(node.getbestblockhash())["time"] + hour
    node.set_time(start)
    parent = wallet.send(confirmed_only=True)
    node.set_time(start + hour)
    child = wallet.create(utxos=wallet.outputs_of(parent))
    node.sendrawtransaction(child.hex())
    other = wallet.send(confirmed_only=True)
    # one second before the limit of 336 hours nothing happens
    node.set_time(start + 336 * hour)
    wallet.send(confirmed_only=True)
    assert parent.txid in node.getrawmempool()
    node.set_time(start + 336 * hour + 1)
    wallet.rescan()
    trigger = wallet.create(confirmed_only=True)
    node.sendrawtransaction(trigger.hex())
    pool = node.getrawmempool()
    assert parent.txid not in pool and child.txid not in pool
    assert other.txid in pool and trigger.txid in pool
    expect_error(-5, "Transaction not in mempool", node.getmempoolentry, parent.txid)


def test_expiry_can_be_set(lab):
    node = lab.node("-mempoolexpiry=10")
    wallet = MiniWallet(node)
    wallet.generate(102)
    start = node.getblockheader(node.getbestblockhash())["time"] + 3600
    node.set_time(start)
    old = wallet.send(confirmed_only=True)
    node.set_time(start + 10 * 3600 + 1)
    new = wallet.send(confirmed_only=True)
    assert node.getrawmempool() == [new.txid] != [old.txid]


def test_size_limit_evicts_the_cheapest(lab, params):
    node = lab.node("-maxmempool=5", "-datacarriersize=100000", params=params)
    wallet = MiniWallet(node)
    wallet.generate(190)
    assert node.getmempoolinfo()["maxmempool"] == 5_000_000
    victim = wallet.create(confirmed_only=True, fee_rate=1000)
    node.sendrawtransaction(victim.hex())
    rate, sent = 2000, []
    while node.getmempoolinfo()["mempoolminfee"] == node.params.amount(1000):
        tx = wallet.create(confirmed_only=True, fee_rate=rate, target_vsize=65_000)
        node.sendrawtransaction(tx.hex(), 0)
        sent.append(tx)
        rate += 200
        assert len(sent) < 85
    info = node.getmempoolinfo()
    assert info["usage"] <= info["maxmempool"]
    assert info["mempoolminfee"] > info["minrelaytxfee"]
    pool = node.getrawmempool()
    assert victim.txid not in pool and sent[-1].txid in pool
    cheap = wallet.create(confirmed_only=True, fee_rate=1000)
    expect_error(-26, "mempool min fee not met", node.sendrawtransaction, cheap.hex())
    # the minimum fades while blocks come; halving life is shorter for an emptier pool
    floor = node.getmempoolinfo()["mempoolminfee"]
    node.set_time(node.getblockheader(node.getbestblockhash())["time"] + 1)
    wallet.generate(1, sync=False)
    node.advance(12 * 3600)
    assert node.getmempoolinfo()["mempoolminfee"] <= floor
    assert isinstance(floor, Decimal)


def test_maxmempool_minimum(lab):
    node = lab.node(start=False)
    err = node.fails_to_start("-maxmempool=4")
    assert err == "Error: -maxmempool must be at least 5 MB"
