"""fundrawtransaction and walletcreatefundedpsbt: inputs, change and fees are added."""
from decimal import Decimal as D

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error

SAT = D("0.00000001")


node = fixtures.node("-fallbackfee=0.0002", "-keypool=20", params=BITCOIN)
miner = fixtures.rich_wallet("miner", 130)


@pytest.fixture(scope="module")
def w(node, miner):
    """A wallet with coins of 1, 2 and 5."""
    w = node.new_wallet("funder")
    miner.sendmany("", {w.getnewaddress(): 1, w.getnewaddress(): 2, w.getnewaddress(): 5})
    node.generatetoaddress(1, miner.getnewaddress())
    return w


@pytest.fixture(scope="module")
def to(miner):
    return miner.getnewaddress()


def coin_of(w, amount):
    return next(c for c in w.listunspent() if c["amount"] == amount)


def ins(*coins):
    return [{"txid": c["txid"], "vout": c["vout"]} for c in coins]


def spent(node, tx):
    return sum(node.gettxout(i["txid"], i["vout"])["value"] for i in tx["vin"])


def check(node, funded):
    """Inputs, outputs and fee agree; returns the decoded transaction."""
    tx = node.decoderawtransaction(funded["hex"])
    out = sum(o["value"] for o in tx["vout"])
    assert spent(node, tx) == out + funded["fee"]
    if funded["changepos"] >= 0:
        assert funded["changepos"] < len(tx["vout"])
    return tx


@pytest.mark.parametrize("amount,least", [(D("0.5"), 1), (D("2.6"), 1), (D("6.5"), 2),
                                          (D("7.5"), 3)])
def test_inputs_are_added(node, w, to, amount, least):
    raw = node.createrawtransaction([], {to: amount})
    tx = check(node, w.fundrawtransaction(raw))
    assert len(tx["vin"]) >= least
    assert amount in [o["value"] for o in tx["vout"]]


def test_the_fee_is_what_signed_transactions_need(node, w, to):
    raw = node.createrawtransaction([], {to: D("2.6")})
    funded = w.fundrawtransaction(raw, {"fee_rate": 10})
    signed = node.decoderawtransaction(
        w.signrawtransactionwithwallet(funded["hex"])["hex"])
    assert 10 * signed["vsize"] <= funded["fee"] / SAT <= 10 * (signed["vsize"] + 3)


def test_inputs_that_are_there_stay_first(node, w, to):
    one, two = coin_of(w, 1), coin_of(w, 2)
    raw = node.createrawtransaction(ins(two, one), {to: D("5.5")})
    tx = check(node, w.fundrawtransaction(raw))
    got = [(i["txid"], i["vout"]) for i in tx["vin"]]
    assert got[:2] == [(c["txid"], c["vout"]) for c in (two, one)]
    assert len(got) == 3


def test_enough_inputs_get_no_others(node, w, to):
    raw = node.createrawtransaction(ins(coin_of(w, 2)), {to: 1})
    tx = check(node, w.fundrawtransaction(raw))
    assert len(tx["vin"]) == 1


def test_no_change_where_it_would_be_dust(node, w, to):
    raw = node.createrawtransaction(ins(coin_of(w, 1)), {to: D("0.99997")})
    funded = w.fundrawtransaction(raw)
    assert funded["changepos"] == -1
    assert len(check(node, funded)["vout"]) == 1


def test_sequences_and_locktime_stay(node, w, to):
    coin = dict(ins(coin_of(w, 1))[0], sequence=12345)
    raw = node.createrawtransaction([coin], {to: D("1.5")}, 77)
    tx = check(node, w.fundrawtransaction(raw))
    assert tx["locktime"] == 77
    assert tx["vin"][0]["sequence"] == 12345
    assert tx["vin"][1]["sequence"] == 0xfffffffd


def test_change_as_told(node, w, to):
    raw = node.createrawtransaction([], {to: D("0.5")})
    mine = w.getrawchangeaddress()
    for place in (0, 1):
        funded = w.fundrawtransaction(raw, {"changeAddress": mine, "changePosition": place})
        assert funded["changepos"] == place
        tx = check(node, funded)
        assert tx["vout"][place]["scriptPubKey"]["address"] == mine
    kinds = {"legacy": "pubkeyhash", "p2sh-segwit": "scripthash",
             "bech32": "witness_v0_keyhash", "bech32m": "witness_v1_taproot"}
    for name, kind in kinds.items():
        funded = w.fundrawtransaction(raw, {"change_type": name})
        tx = check(node, funded)
        assert tx["vout"][funded["changepos"]]["scriptPubKey"]["type"] == kind
    expect_error(-5, "Change address must be a valid bitcoin address",
                 w.fundrawtransaction, raw, {"changeAddress": "foobar"})
    expect_error(-8, "changePosition out of bounds", w.fundrawtransaction, raw,
                 {"changePosition": 2})
    expect_error(-5, "Unknown change type ''", w.fundrawtransaction, raw,
                 {"change_type": ""})


def test_locking_what_was_chosen(node, w, to):
    raw = node.createrawtransaction([], {to: D("7.5")})
    funded = w.fundrawtransaction(raw, {"lockUnspents": True})
    locked = {(c["txid"], c["vout"]) for c in w.listlockunspent()}
    tx = node.decoderawtransaction(funded["hex"])
    assert {(i["txid"], i["vout"]) for i in tx["vin"]} == locked
    err = expect_error(-4, "Insufficient funds", w.fundrawtransaction, raw)
    assert err.message == "Insufficient funds (not counted: 8.00000000 BTC locked)"
    assert w.lockunspent(True)
    # a coin that is named may be spent, locked or not
    coin = coin_of(w, 5)
    w.lockunspent(False, ins(coin))
    check(node, w.fundrawtransaction(node.createrawtransaction(ins(coin), {to: 1})))
    w.lockunspent(True)


def test_outputs_bear_the_fee(node, w, to, miner):
    a, b = miner.getnewaddress(), miner.getnewaddress()
    raw = node.createrawtransaction([], [{to: 1}, {a: 1}, {b: 1}])
    for bearers in ([0], [1, 2], [0, 1, 2]):
        funded = w.fundrawtransaction(raw, {"subtractFeeFromOutputs": bearers,
                                            "changePosition": 3, "fee_rate": 7})
        tx = check(node, funded)
        fee = int(funded["fee"] / SAT)
        share, rest = divmod(fee, len(bearers))
        for i in range(3):
            part = share + rest * (i == bearers[0]) if i in bearers else 0
            assert tx["vout"][i]["value"] == 1 - part * SAT
    bad = "Invalid parameter 'subtract fee from output', "
    for bearers, why in [([0, 0], "duplicated position: 0"), ([3], "position too large: 3"),
                         ([-1], "negative position: -1")]:
        expect_error(-8, bad + why, w.fundrawtransaction, raw,
                     {"subtractFeeFromOutputs": bearers})


def test_the_whole_balance_less_the_fee(node, w, to):
    raw = node.createrawtransaction([], {to: 8})
    funded = w.fundrawtransaction(raw, {"subtractFeeFromOutputs": [0]})
    tx = check(node, funded)
    assert len(tx["vin"]) == 3 and funded["changepos"] == -1
    expect_error(-4, "Insufficient funds", w.fundrawtransaction, raw)


def test_fee_options(node, w, to):
    raw = node.createrawtransaction([], {to: D("0.5")})
    base = w.fundrawtransaction(raw, {"fee_rate": 1})["fee"]
    by_kvb = w.fundrawtransaction(raw, {"feeRate": D("0.0001")})["fee"]
    assert by_kvb == pytest.approx(10 * base, rel=D("0.05"))
    # what the caller asks for is taken, even below the wallet's minimum
    low = w.fundrawtransaction(raw, {"fee_rate": D("0.5")})["fee"]
    assert low <= base / 2 + SAT
    assert w.fundrawtransaction(raw, {"fee_rate": 0})["fee"] == 0
    expect_error(-8, "Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)",
                 w.fundrawtransaction, raw, {"fee_rate": 1, "feeRate": 1})
    expect_error(-8, "Cannot specify both conf_target and feeRate",
                 w.fundrawtransaction, raw, {"conf_target": 1, "feeRate": 1})
    expect_error(-8, "Cannot specify both estimate_mode and feeRate",
                 w.fundrawtransaction, raw, {"estimate_mode": "unset", "feeRate": 1})
    expect_error(-8, "Cannot specify both estimate_mode and fee_rate",
                 w.fundrawtransaction, raw, {"estimate_mode": "economical", "fee_rate": 1})
    expect_error(-4, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)",
                 w.fundrawtransaction, raw, {"feeRate": 1})
    expect_error(-3, "Invalid amount", w.fundrawtransaction, raw, {"feeRate": "x"})


def test_bad_arguments(node, w, to):
    raw = node.createrawtransaction([], {to: D("0.5")})
    expect_error(-22, "TX decode failed", w.fundrawtransaction, raw[:-2])
    expect_error(-3, "Unexpected key foo", w.fundrawtransaction, raw, {"foo": "bar"})
    expect_error(-8, "TX must have at least one output", w.fundrawtransaction,
                 node.createrawtransaction([], {}))
    expect_error(-4, "Insufficient funds", w.fundrawtransaction,
                 node.createrawtransaction([], {to: 9}))
    expect_error(-4, "The preselected coins total amount does not cover the transaction "
                 "target", w.fundrawtransaction, raw, {"add_inputs": False})
    weights = {"txid": "00" * 32, "vout": 0}
    expect_error(-8, "Invalid parameter, missing weight key", w.fundrawtransaction, raw,
                 {"input_weights": [weights]})
    expect_error(-8, "Invalid parameter, vout cannot be negative", w.fundrawtransaction,
                 raw, {"input_weights": [dict(weights, vout=-1, weight=200)]})
    expect_error(-4, "Transaction amount too small", w.fundrawtransaction,
                 node.createrawtransaction([], {to: D("0.00000200")}))
    # a bool stands where once was a flag
    check(node, w.fundrawtransaction(raw, True))


def test_data_pays_only_its_fee(node, w):
    raw = node.createrawtransaction([], {"data": "ab" * 20})
    tx = check(node, w.fundrawtransaction(raw))
    assert len(tx["vin"]) == 1 and len(tx["vout"]) == 2


# -- walletcreatefundedpsbt -----------------------------------------------------------

def test_psbt_holds_what_signers_need(node, w, to):
    funded = w.walletcreatefundedpsbt([], {to: D("2.6")})
    psbt = node.decodepsbt(funded["psbt"])
    assert psbt["fee"] == funded["fee"]
    for i in psbt["inputs"]:
        assert "witness_utxo" in i and i["bip32_derivs"]
        assert "partial_signatures" not in i
    plain = w.walletcreatefundedpsbt([], {to: D("2.6")}, 0, {}, False)
    assert all("bip32_derivs" not in i for i in node.decodepsbt(plain["psbt"])["inputs"])
    done = w.walletprocesspsbt(funded["psbt"])
    assert done["complete"]
    assert node.testmempoolaccept([node.finalizepsbt(done["psbt"])["hex"]])[0]["allowed"]


def test_psbt_inputs(node, w, to):
    one, five = coin_of(w, 1), coin_of(w, 5)
    expect_error(-4, "The preselected coins total amount does not cover the transaction "
                 "target. Please allow other inputs to be automatically selected or "
                 "include more coins manually", w.walletcreatefundedpsbt, ins(one), {to: 2})
    funded = w.walletcreatefundedpsbt(ins(one), {to: 2}, 0, {"add_inputs": True})
    assert len(node.decodepsbt(funded["psbt"])["tx"]["vin"]) > 1
    funded = w.walletcreatefundedpsbt(ins(five), {to: 2}, 33, {"replaceable": False})
    tx = node.decodepsbt(funded["psbt"])["tx"]
    assert tx["locktime"] == 33 and tx["vin"][0]["sequence"] == 0xfffffffe
    expect_error(-8, "Invalid parameter combination: Sequence number(s) contradict "
                 "replaceable option", w.walletcreatefundedpsbt,
                 [dict(ins(five)[0], sequence=0xffffffff)], {to: 2}, 0,
                 {"replaceable": True})


def test_psbt_of_coins_of_two_wallets(node, w, miner, to):
    """Inputs of another wallet, each side signs its own."""
    theirs = max(miner.listunspent(), key=lambda c: c["amount"])
    info = miner.getaddressinfo(theirs["address"])
    funded = w.walletcreatefundedpsbt(
        ins(theirs), {to: theirs["amount"] + 3}, 0,
        {"add_inputs": True, "solving_data": {"descriptors": [info["desc"]]},
         "fee_rate": 5})
    half = w.walletprocesspsbt(funded["psbt"])
    assert not half["complete"]
    whole = miner.walletprocesspsbt(half["psbt"])
    assert whole["complete"]
    tx = node.decoderawtransaction(node.finalizepsbt(whole["psbt"])["hex"])
    assert 5 * tx["vsize"] <= funded["fee"] / SAT <= 5 * (tx["vsize"] + 3)


# -- weight ---------------------------------------------------------------------------

def test_more_inputs_than_a_transaction_may_have(node, miner):
    w = node.new_wallet("many")
    kind = w.getnewaddress("", "legacy")
    desc = next(d for d in w.listdescriptors()["descriptors"]
                if d["desc"].startswith("pkh") and not d["internal"])["desc"]
    w.keypoolrefill(1480)
    own = node.deriveaddresses(desc, [0, 1471])
    assert own[0] == kind
    txid = miner.send([{a: D("0.01")} for a in own],
                      options={"change_position": 0})["txid"]
    node.generatetoaddress(1, miner.getnewaddress())
    raw = node.createrawtransaction([], {miner.getnewaddress(): D("14.71")})
    weights = [{"txid": txid, "vout": i, "weight": 273} for i in range(1, 1473)]
    # weights name the coins
    expect_error(-4, "Transaction too large", w.fundrawtransaction, hexstring=raw,
                 input_weights=weights, fee_rate=1)
    expect_error(-4, "The inputs size exceeds the maximum weight. Please try sending a "
                 "smaller amount or manually consolidating your wallet's UTXOs",
                 w.fundrawtransaction, hexstring=raw, fee_rate=1)
    expect_error(-4, "The combination of the pre-selected inputs and the wallet automatic "
                 "inputs selection exceeds the transaction maximum weight. Please try "
                 "sending a smaller amount or manually consolidating your wallet's UTXOs",
                 w.fundrawtransaction, hexstring=raw, input_weights=weights[:1000],
                 fee_rate=1)
