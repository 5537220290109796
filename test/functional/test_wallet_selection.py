"""Which coins are spent: groups, reuse, types, unconfirmed ones and their ancestors."""
from decimal import Decimal as D

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error

SAT = D("0.00000001")


node = fixtures.node("-fallbackfee=0.0002", "-keypool=20", "-txindex", params=BITCOIN)
miner = fixtures.rich_wallet("miner", 140)


def mine(node, miner, n=1):
    node.generatetoaddress(n, miner.getnewaddress())


def tx_of(node, txid):
    return node.getrawtransaction(txid, 1)


def new(node, request, **kwargs):
    return node.new_wallet(request.node.name, **kwargs)


# -- groups ---------------------------------------------------------------------------

def pay_twice(miner, address, amounts):
    for amount in amounts:
        miner.sendtoaddress(address, amount)


def test_coins_of_an_address_go_together_when_it_costs_nothing(node, miner, request):
    """-maxapsfee=0: only when both ways cost the same."""
    w = new(node, request)
    pay_twice(miner, w.getnewaddress(), [1, D("0.5")])
    mine(node, miner)
    txid = w.sendtoaddress(miner.getnewaddress(), D("0.2"))
    assert len(tx_of(node, txid)["vin"]) == 1   # two would cost more


@pytest.mark.parametrize("args", [["-avoidpartialspends"], ["-maxapsfee=0.0001"]])
def test_avoiding_partial_spends(lab, args):
    node = lab.node("-fallbackfee=0.0001", "-keypool=20", "-txindex", *args, params=BITCOIN)
    miner, w = node.new_wallet("miner"), node.new_wallet("w")
    node.generatetoaddress(105, miner.getnewaddress())
    for amount in (1, D("0.5")):
        address = w.getnewaddress()
        pay_twice(miner, address, [amount, amount])
    mine(node, miner)
    txid = w.sendtoaddress(miner.getnewaddress(), D("0.2"))
    tx = tx_of(node, txid)
    values = sorted(node.getrawtransaction(i["txid"], 1)["vout"][i["vout"]]["value"]
                    for i in tx["vin"])
    assert values in ([1, 1], [D("0.5"), D("0.5")])


# -- avoid_reuse ----------------------------------------------------------------------

def test_used_addresses_are_left(node, miner, request):
    w = new(node, request, avoid_reuse=True)
    address, back = w.getnewaddress(), miner.getnewaddress()
    miner.sendtoaddress(address, 10)
    mine(node, miner)
    w.sendtoaddress(back, 1)
    miner.sendtoaddress(address, 10)
    mine(node, miner)
    dirty = next(c for c in w.listunspent() if c["address"] == address)
    clean = next(c for c in w.listunspent() if c["address"] != address)
    assert dirty["reused"] and not clean["reused"]
    assert w.getbalances()["mine"]["used"] == 10
    err = expect_error(-6, "Insufficient funds", w.sendtoaddress, back, 12)
    assert "10.00000000 BTC on used addresses" in err.message
    w.sendtoaddress(address=back, amount=12, avoid_reuse=False)
    expect_error(-4, 'wallet does not have the "avoid reuse" feature enabled',
                 miner.sendtoaddress, address=back, amount=1, avoid_reuse=True)


# -- types ----------------------------------------------------------------------------

def types_of(node, tx):
    prev = [node.getrawtransaction(i["txid"], 1)["vout"][i["vout"]] for i in tx["vin"]]
    return {o["scriptPubKey"]["type"] for o in prev}


def test_types_are_not_mixed_without_need(node, miner, request):
    w = new(node, request)
    kinds = ["legacy", "p2sh-segwit", "bech32", "bech32m"]
    for kind in kinds:
        miner.sendmany("", {w.getnewaddress("", kind): 1 for _ in range(3)})
    mine(node, miner)
    for _ in range(3):
        sent = w.send({miner.getnewaddress(): D("2.5")}, options={"add_to_wallet": False})
        assert len(types_of(node, node.decoderawtransaction(sent["hex"]))) == 1
    sent = w.send({miner.getnewaddress(): D("5.5")}, options={"add_to_wallet": False})
    assert len(types_of(node, node.decoderawtransaction(sent["hex"]))) > 1


def test_change_looks_like_the_payment(node, miner, request):
    w = new(node, request)
    miner.sendtoaddress(w.getnewaddress(), 30)
    mine(node, miner)
    kinds = {"legacy": "pubkeyhash", "p2sh-segwit": "scripthash",
             "bech32": "witness_v0_keyhash", "bech32m": "witness_v1_taproot"}
    for name, kind in kinds.items():
        txid = w.sendtoaddress(miner.getnewaddress("", name), 1)
        assert {o["scriptPubKey"]["type"] for o in tx_of(node, txid)["vout"]} == {kind}
    multisig = node.createmultisig(1, [w.getaddressinfo(w.getnewaddress())["pubkey"]],
                                   "bech32")["address"]
    txid = w.sendtoaddress(multisig, 1)   # no such change: taproot
    assert "witness_v1_taproot" in {o["scriptPubKey"]["type"]
                                    for o in tx_of(node, txid)["vout"]}


def test_change_is_not_always_last(node, miner, request):
    w = new(node, request)
    miner.sendtoaddress(w.getnewaddress(), 10)
    mine(node, miner)
    raw = node.createrawtransaction([], {miner.getnewaddress(): 1})
    places = {w.fundrawtransaction(raw)["changepos"] for _ in range(30)}
    assert places == {0, 1}


# -- unconfirmed ----------------------------------------------------------------------

def test_own_change_may_be_spent_others_coins_not(node, miner, request):
    w = new(node, request)
    miner.sendtoaddress(w.getnewaddress(), 5)
    back = miner.getnewaddress()
    err = expect_error(-6, "Insufficient funds", w.sendtoaddress, back, 1)
    assert err.message == "Insufficient funds (not counted: 5.00000000 BTC unconfirmed)"
    sent = w.send({back: 1}, options={"include_unsafe": True, "add_to_wallet": False})
    assert sent["complete"]
    mine(node, miner)
    w.sendtoaddress(back, 1)
    w.sendtoaddress(back, 1)   # of the change of the one before
    expect_error(-4, "Insufficient funds", w.send, {back: 1}, options={"minconf": 1})


def test_long_chains_are_refused(node, miner, request):
    w = new(node, request)
    miner.sendtoaddress(w.getnewaddress(), 5)
    mine(node, miner)
    back = miner.getnewaddress()
    for _ in range(25):
        w.sendtoaddress(back, D("0.001"))
    expect_error(-6, "Unconfirmed UTXOs are available, but spending them creates a chain "
                 "of transactions that will be rejected by the mempool",
                 w.sendtoaddress, back, D("0.001"))
    mine(node, miner)
    w.sendtoaddress(back, D("0.001"))


def ancestors_feerate(node, txid):
    entry = node.getmempoolentry(txid)
    return entry["fees"]["ancestor"] / SAT / entry["ancestorsize"]


def test_children_pay_for_their_parents(node, miner, request):
    """A cheap parent: its child pays what both of them together should have paid."""
    w = new(node, request)
    miner.sendtoaddress(w.getnewaddress(), 5)
    mine(node, miner)
    to = miner.getnewaddress()
    parent = w.sendtoaddress(address=to, amount=1, fee_rate=1)
    child = w.sendtoaddress(address=to, amount=1, fee_rate=30)
    assert parent in [i["txid"] for i in tx_of(node, child)["vin"]]
    assert ancestors_feerate(node, child) == pytest.approx(30, abs=D("0.2"))
    mine(node, miner)
    # a dear parent needs no help
    w.sendtoaddress(address=to, amount=D("0.5"), fee_rate=50)
    child = w.sendtoaddress(address=to, amount=D("0.5"), fee_rate=20)
    fee = -w.gettransaction(child)["fee"] / SAT / tx_of(node, child)["vsize"]
    assert fee == pytest.approx(20, abs=D("0.2"))
    mine(node, miner)
    # two generations
    w.sendtoaddress(address=to, amount=D("0.1"), fee_rate=1)
    w.sendtoaddress(address=to, amount=D("0.1"), fee_rate=2)
    child = w.sendtoaddress(address=to, amount=D("0.1"), fee_rate=25)
    assert ancestors_feerate(node, child) == pytest.approx(25, abs=D("0.3"))


def test_shared_parents_are_paid_for_once(node, miner, request):
    w = new(node, request)
    miner.sendtoaddress(w.getnewaddress(), 3)
    mine(node, miner)
    a, b = w.getnewaddress(), w.getnewaddress()
    w.sendmany(dummy="", amounts={a: 1, b: 1}, fee_rate=1)
    child = w.sendtoaddress(address=miner.getnewaddress(), amount=D("2.5"), fee_rate=30)
    assert len(tx_of(node, child)["vin"]) == 3
    assert ancestors_feerate(node, child) == pytest.approx(30, abs=D("0.3"))


def test_named_unconfirmed_coins_count_too(node, miner, request):
    w = new(node, request)
    txid = miner.sendtoaddress(address=w.getnewaddress(), amount=3, fee_rate=1)
    coin, = [c for c in w.listunspent(0) if c["txid"] == txid]
    sent = w.send({miner.getnewaddress(): 1}, fee_rate=20, options={
        "inputs": [{"txid": txid, "vout": coin["vout"]}]})
    assert ancestors_feerate(node, sent["txid"]) == pytest.approx(20, abs=D("0.3"))


# -- huge fees, few inputs ------------------------------------------------------------

def test_dear_times_few_inputs(node, miner, request):
    """CoinGrinder: at three times the long-term rate the lightest set is taken."""
    w = new(node, request)
    miner.sendmany("", {w.getnewaddress(): D("0.1") for _ in range(20)})
    miner.sendtoaddress(w.getnewaddress(), D("1.2"))
    mine(node, miner)
    sent = w.send({miner.getnewaddress(): 1}, fee_rate=100,
                  options={"add_to_wallet": False})
    assert len(node.decoderawtransaction(sent["hex"])["vin"]) == 1


def test_exact_sums_leave_no_change(node, miner, request):
    """Branch and bound finds the set that needs none."""
    w = new(node, request)
    for amount in (D("0.11"), D("0.23"), D("0.47"), D("0.95")):
        miner.sendtoaddress(w.getnewaddress(), amount)
    mine(node, miner)
    # two inputs, one output of a witness key hash, at one satoshi per vbyte
    want = D("0.11") + D("0.47") - 178 * SAT
    sent = w.send({miner.getnewaddress(): want}, fee_rate=1,
                  options={"add_to_wallet": False})
    tx = node.decoderawtransaction(sent["hex"])
    assert len(tx["vout"]) == 1 and len(tx["vin"]) == 2


def test_immature_and_negative(node, request):
    w = new(node, request)
    node.generatetoaddress(1, w.getnewaddress())
    err = expect_error(-6, "Insufficient funds", w.sendtoaddress, w.getnewaddress(), 1)
    assert "immature" in err.message


# -- options --------------------------------------------------------------------------

def test_options_of_chains_and_change(lab):
    node = lab.node("-fallbackfee=0.0002", "-keypool=20", "-spendzeroconfchange=0",
                    params=BITCOIN)
    w = node.new_wallet("w", load_on_startup=True)
    node.generatetoaddress(101, w.getnewaddress())
    to = node.new_wallet("other").getnewaddress()
    w.sendtoaddress(to, 1)
    expect_error(-6, "Insufficient funds", w.sendtoaddress, to, 1)
    node.restart("-walletrejectlongchains=0", "-limitancestorcount=3",
                 "-spendzeroconfchange=1")
    for _ in range(2):
        w.sendtoaddress(to, 1)
    assert node.getmempoolinfo()["size"] == 3
    extra = w.sendtoaddress(to, 1)   # the wallet keeps what the mempool does not take
    assert extra not in node.getrawmempool()
    assert w.gettransaction(extra)["confirmations"] == 0
    w.abandontransaction(extra)
    assert w.gettransaction(extra)["details"][0]["abandoned"]


def test_sendall_pays_for_ancestors(node, miner, request):
    w = new(node, request)
    miner.sendtoaddress(w.getnewaddress(), 3)
    mine(node, miner)
    w.sendtoaddress(address=miner.getnewaddress(), amount=1, fee_rate=1)
    txid = w.sendall([miner.getnewaddress()], fee_rate=20)["txid"]
    assert ancestors_feerate(node, txid) == pytest.approx(20, abs=D("0.2"))
