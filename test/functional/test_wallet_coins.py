"""listunspent, lockunspent: what is there to spend, and what is kept."""
from decimal import Decimal as D

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error


node = fixtures.node("-fallbackfee=0.0002", "-keypool=20", params=BITCOIN)
miner = fixtures.rich_wallet("miner", 115)


@pytest.fixture(scope="module")
def w(node, miner):
    w = node.new_wallet("w")
    miner.sendmany("", {w.getnewaddress("one"): 1, w.getnewaddress("", "legacy"): 2,
                        w.getnewaddress("", "p2sh-segwit"): 3,
                        w.getnewaddress("", "bech32m"): 4})
    node.generatetoaddress(2, miner.getnewaddress())
    return w


def amounts(coins):
    return sorted(c["amount"] for c in coins)


def place(coin):
    return {"txid": coin["txid"], "vout": coin["vout"]}


def coin_of(w, amount):
    return next(c for c in w.listunspent(0) if c["amount"] == amount)


def test_what_is_told_of_a_coin(node, w):
    for amount, desc in [(1, "wpkh(["), (2, "pkh(["), (3, "sh(wpkh(["), (4, "tr([")]:
        c = coin_of(w, amount)
        info = w.getaddressinfo(c["address"])
        assert c["scriptPubKey"] == info["scriptPubKey"]
        assert c["desc"] == info["desc"] and c["desc"].startswith(desc)
        assert c["parent_descs"] == [info["parent_desc"]]
        assert c["spendable"] and c["solvable"] and c["safe"]
        assert c["confirmations"] == 2 and c["label"] == ("one" if amount == 1 else "")
        assert ("redeemScript" in c) == (amount == 3)
        assert node.gettxout(c["txid"], c["vout"])["value"] == amount


def test_filters(w):
    by = [({"minimumAmount": 2}, [2, 3, 4]), ({"maximumAmount": 3}, [1, 2, 3]),
          ({"minimumAmount": 2, "maximumAmount": "3.0"}, [2, 3])]
    for query, want in by:
        assert amounts(w.listunspent(1, 9999999, [], True, query)) == want
    assert len(w.listunspent(query_options={"maximumCount": 2})) == 2
    assert sum(amounts(w.listunspent(minimumSumAmount=5))) >= 5
    assert w.listunspent(3) == [] and w.listunspent(0, 1) == []
    a, b = coin_of(w, 1)["address"], coin_of(w, 4)["address"]
    assert amounts(w.listunspent(1, 9999999, [a, b])) == [1, 4]
    expect_error(-8, f"Invalid parameter, duplicated address: {a}", w.listunspent, 1,
                 9999999, [a, a])
    expect_error(-5, "Invalid Bitcoin address: foo", w.listunspent, 1, 9999999, ["foo"])
    expect_error(-3, "Unexpected key foo", w.listunspent, 1, 9999999, [], True, {"foo": 1})


def test_young_coinbases(node, miner):
    ripe = miner.listunspent()
    everything = miner.listunspent(query_options={"include_immature_coinbase": True})
    assert len(everything) == len(ripe) + 100


def test_unconfirmed_coins(node, miner, w):
    txid = miner.sendtoaddress(w.getnewaddress(), D("0.5"))
    c = next(c for c in w.listunspent(0) if c["txid"] == txid)
    assert c["confirmations"] == 0 and not c["safe"]
    entry = node.getmempoolentry(txid)
    assert c["ancestorcount"] == entry["ancestorcount"]
    assert c["ancestorsize"] == entry["ancestorsize"]
    assert c["ancestorfees"] == int(entry["fees"]["ancestor"] * 10 ** 8)
    assert w.listunspent(0, 0, [], False) == []
    change = next(c for c in miner.listunspent(0) if c["txid"] == txid)
    assert change["safe"]
    node.generatetoaddress(1, miner.getnewaddress())


def test_locks(node, w, miner):
    coin = place(coin_of(w, 2))
    assert w.listlockunspent() == []
    assert w.lockunspent(False, [coin])
    assert w.listlockunspent() == [coin]
    assert 2 not in amounts(w.listunspent())
    expect_error(-8, "Invalid parameter, output already locked", w.lockunspent, False,
                 [coin])
    total = w.getbalances()["mine"]["trusted"]
    err = expect_error(-6, "Insufficient funds", w.sendtoaddress, miner.getnewaddress(),
                       total - 1)
    assert "2.00000000 BTC locked" in err.message
    assert w.lockunspent(True, [coin])
    expect_error(-8, "Invalid parameter, expected locked output", w.lockunspent, True,
                 [coin])
    assert w.listlockunspent() == []


def test_locks_are_checked(w, miner):
    coin = place(coin_of(w, 2))
    for bad, why in [(dict(coin, txid="00" * 32), "unknown transaction"),
                     (dict(coin, vout=50), "vout index out of bounds"),
                     (dict(coin, vout=-1), "vout cannot be negative")]:
        expect_error(-8, "Invalid parameter, " + why, w.lockunspent, False, [bad])
    expect_error(-8, "txid must be of length 64 (not 2, for '00')", w.lockunspent, False,
                 [dict(coin, txid="00")])
    expect_error(-3, "Missing vout", w.lockunspent, False, [{"txid": coin["txid"]}])
    # one bad one leaves all as it was
    expect_error(-8, "unknown transaction", w.lockunspent, False,
                 [coin, dict(coin, txid="00" * 32)])
    assert w.listlockunspent() == []
    txid = miner.sendtoaddress(w.getnewaddress(), 1)
    vin = miner.gettransaction(txid, True, True)["decoded"]["vin"][0]
    expect_error(-8, "Invalid parameter, expected unspent output", miner.lockunspent,
                 False, [place(vin)])


def test_persistent_locks_outlive_the_node(node, w):
    short, long = place(coin_of(w, 3)), place(coin_of(w, 4))
    w.lockunspent(False, [short])
    w.lockunspent(False, [long], True)
    assert len(w.listlockunspent()) == 2
    node.unloadwallet("w")
    node.loadwallet("w")
    assert w.listlockunspent() == [long]
    w.lockunspent(False, [short])
    w.lockunspent(False, [short], True)   # may be made persistent later
    node.restart()
    node.loadwallet("w")
    node.loadwallet("miner")
    assert len(w.listlockunspent()) == 2
    w.lockunspent(True)
    node.unloadwallet("w")
    node.loadwallet("w")
    assert w.listlockunspent() == []


def test_spending_ends_a_lock(node, w, miner):
    coin = place(coin_of(w, 3))
    w.lockunspent(False, [coin], True)
    sent = w.send({miner.getnewaddress(): D("0.1")}, options={"inputs": [coin]})
    assert w.listlockunspent() == []
    assert sent["complete"]


def test_a_coin_without_keys_is_not_solvable(node, miner):
    w = node.new_wallet("addresses", disable_private_keys=True)
    address = miner.getnewaddress()
    desc = node.getdescriptorinfo(f"addr({address})")["descriptor"]
    w.importdescriptors([{"desc": desc, "timestamp": "now"}])
    miner.sendtoaddress(address, 1)
    node.generatetoaddress(1, miner.getnewaddress())
    coin, = w.listunspent()
    assert not coin["solvable"] and "desc" not in coin
    expect_error(-4, "Insufficient funds", w.walletcreatefundedpsbt, [],
                 {miner.getnewaddress(): D("0.5")})
