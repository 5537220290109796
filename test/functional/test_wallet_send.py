"""sendtoaddress, sendmany and send: payments, fees, who bears them, what is refused."""
from decimal import Decimal as D

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error

SAT = D("0.00000001")


node = fixtures.node("-fallbackfee=0.0002", "-keypool=20", params=BITCOIN)
rich = fixtures.rich_wallet("rich", 130)


@pytest.fixture(scope="module")
def other(node):
    return node.new_wallet("other")


def details(node, txid):
    return node.getrawtransaction(txid, 1)


def fee_of(wallet, txid):
    return -wallet.gettransaction(txid)["fee"]


def feerate(node, wallet, txid):
    """In satoshis per vbyte."""
    return fee_of(wallet, txid) / SAT / details(node, txid)["vsize"]


def paid(node, txid, address):
    return [o["value"] for o in details(node, txid)["vout"]
            if o["scriptPubKey"].get("address") == address]


def test_a_payment_arrives(node, rich, other):
    address = other.getnewaddress()
    txid = rich.sendtoaddress(address, D("1.5"), "what", "who")
    assert txid in node.getrawmempool()
    assert paid(node, txid, address) == [D("1.5")]
    tx = rich.gettransaction(txid)
    assert tx["comment"] == "what" and tx["to"] == "who"
    assert other.getbalances()["mine"]["untrusted_pending"] == D("1.5")
    assert feerate(node, rich, txid) == pytest.approx(20, abs=D("0.1"))


def test_verbose_tells_the_reason_of_the_fee(rich, other):
    sent = rich.sendtoaddress(address=other.getnewaddress(), amount=1, verbose=True)
    assert sent["fee_reason"] == "Fallback fee"
    sent = rich.sendmany(dummy="", amounts={other.getnewaddress(): 1}, fee_rate=30,
                         verbose=True)
    assert sent["fee_reason"] == "PayTxFee set"


@pytest.mark.parametrize("rate", [D("1"), D("2.345"), D("25")])
def test_explicit_rates_are_met(node, rich, other, rate):
    txid = rich.sendtoaddress(address=other.getnewaddress(), amount=1, fee_rate=rate)
    assert rate <= feerate(node, rich, txid) < rate + D("0.1")


def test_the_amount_may_bear_the_fee(node, rich, other):
    address = other.getnewaddress()
    txid = rich.sendtoaddress(address, 1, "", "", True)
    assert paid(node, txid, address) == [1 - fee_of(rich, txid)]


def test_several_may_share_the_fee(node, rich, other):
    a, b, c = (other.getnewaddress() for _ in range(3))
    txid = rich.sendmany("", {a: 1, b: 1, c: 1}, 0, "", [a, c])
    fee = fee_of(rich, txid)
    got = {x: paid(node, txid, x)[0] for x in (a, b, c)}
    assert got[b] == 1
    assert got[a] + got[c] == 2 - fee
    assert abs(got[a] - got[c]) <= SAT


def test_the_first_bears_what_cannot_be_shared(node, rich, other):
    a, b, c = (other.getnewaddress() for _ in range(3))
    sent = rich.send([{a: 1}, {b: 1}, {c: 1}], fee_rate=D("1.001"), options={
        "subtract_fee_from_outputs": [0, 1, 2]})
    fee = int(fee_of(rich, sent["txid"]) / SAT)
    got = [int((1 - paid(node, sent["txid"], x)[0]) / SAT) for x in (a, b, c)]
    assert got == [fee // 3 + fee % 3, fee // 3, fee // 3]


def test_fee_bearers_are_checked(rich, other):
    a, b = other.getnewaddress(), other.getnewaddress()
    bad = "Invalid parameter 'subtract fee from output', "
    for instruction, why in [([a], f"destination {a} not found in tx outputs"),
                             ([0, 0], "duplicated position: 0"),
                             ([-1], "negative position: -1"),
                             ([1], "position too large: 1"),
                             ([True], "invalid value type: bool")]:
        expect_error(-8, bad + why, rich.sendmany, "", {b: 1}, 0, "", instruction)


def test_change_goes_to_a_fresh_address(node, rich, other):
    seen = set()
    for _ in range(3):
        txid = rich.sendtoaddress(other.getnewaddress(), D("0.5"))
        change = [o for o in details(node, txid)["vout"] if o["value"] != D("0.5")]
        assert len(change) == 1
        address = change[0]["scriptPubKey"]["address"]
        assert rich.getaddressinfo(address)["ischange"]
        seen.add(address)
    assert len(seen) == 3


def test_lock_time_keeps_miners_from_going_back(node, rich, other):
    height = node.getblockcount()
    node.set_time(node.getblockheader(node.getbestblockhash())["time"] + 600)
    times = [details(node, rich.sendtoaddress(other.getnewaddress(), D("0.1")))
             ["locktime"] for _ in range(10)]
    assert all(height - 100 <= t <= height for t in times)
    assert times.count(height) >= 4   # most of them; one in ten lies further back
    node.set_time(node.mocktime + 9 * 60 * 60)
    txid = rich.sendtoaddress(other.getnewaddress(), D("0.1"))
    assert details(node, txid)["locktime"] == 0   # the tip is too old for that
    node.setmocktime(0)
    node.mocktime = None
    node.generatetoaddress(1, rich.getnewaddress())


def test_replaceability(node, rich, other):
    for wanted, sequence in [(None, 0xfffffffd), (True, 0xfffffffd),
                             (False, 0xfffffffe)]:
        txid = rich.sendtoaddress(other.getnewaddress(), 1, "", "", False, wanted)
        assert {i["sequence"] for i in details(node, txid)["vin"]} == {sequence}


def test_bad_amounts_and_addresses(rich, other):
    a = other.getnewaddress()
    expect_error(-3, "Invalid amount", rich.sendtoaddress, a, "0.000000001")
    expect_error(-3, "Amount out of range", rich.sendtoaddress, a, -1)
    expect_error(-3, "Invalid amount", rich.sendtoaddress, a, "1f-4")
    expect_error(-6, "Transaction amount too small", rich.sendtoaddress, a, D("0.00000001"))
    expect_error(-5, "Invalid Bitcoin address: foo", rich.sendtoaddress, "foo", 1)
    expect_error(-6, "The transaction amount is too small to pay the fee",
                 rich.sendtoaddress, a, D("0.000005"), "", "", True)
    expect_error(-8, 'Dummy value must be set to ""', rich.sendmany, "x", {a: 1})
    expect_error(-6, "Insufficient funds", rich.sendtoaddress, a, 100000)


def test_bad_fees(rich, other):
    pay = {"address": other.getnewaddress(), "amount": 1}
    rich_send = rich.sendtoaddress
    expect_error(-8, "Cannot specify both conf_target and fee_rate. Please provide either "
                 "a confirmation target in blocks for automatic fee estimation, or an "
                 "explicit fee rate.", rich_send, **pay, conf_target=1, fee_rate=1)
    expect_error(-8, "Cannot specify both estimate_mode and fee_rate", rich_send, **pay,
                 estimate_mode="economical", fee_rate=1)
    for mode in ["", "foo"]:
        expect_error(-8, 'Invalid estimate_mode parameter, must be one of: "unset", '
                     '"economical", "conservative"', rich_send, **pay, estimate_mode=mode)
    for target in [-1, 0, 1009]:
        expect_error(-8, "Invalid conf_target, must be between 1 and 1008", rich_send,
                     **pay, conf_target=target)
    expect_error(-3, "Amount is not a number or string", rich_send, **pay, fee_rate=True)
    expect_error(-3, "Amount out of range", rich_send, **pay, fee_rate=-1)
    expect_error(-3, "Invalid amount", rich_send, **pay, fee_rate="1.2345")
    expect_error(-6, "Fee rate (0.999 sat/vB) is lower than the minimum fee rate setting "
                 "(1.000 sat/vB)", rich_send, **pay, fee_rate=D("0.999"))
    expect_error(-6, "Fee rate (0.000 sat/vB) is lower than the minimum fee rate setting "
                 "(1.000 sat/vB)", rich_send, **pay, fee_rate=0)
    expect_error(-6, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)",
                 rich_send, **pay, fee_rate=100000)


# -- send -----------------------------------------------------------------------------

def test_send_pays_and_tells(node, rich, other):
    address = other.getnewaddress()
    sent = rich.send(outputs={address: 2})
    assert sent["complete"] and set(sent) == {"complete", "txid"}
    assert paid(node, sent["txid"], address) == [2]


def test_send_hands_back_what_is_not_to_be_sent(node, rich, other):
    sent = rich.send(outputs={other.getnewaddress(): 2}, options={"add_to_wallet": False})
    assert sent["complete"] and sent["txid"] not in node.getrawmempool()
    assert node.testmempoolaccept([sent["hex"]])[0]["allowed"]
    psbt = rich.send(outputs={other.getnewaddress(): 2}, options={"psbt": True})
    assert psbt["complete"] and node.finalizepsbt(psbt["psbt"])["hex"] == psbt["hex"]


def test_send_from_a_watching_wallet_makes_a_psbt(node, rich):
    watching = node.new_wallet("watching", disable_private_keys=True)
    watching.importdescriptors([
        {"desc": d["desc"], "timestamp": "now", "active": True, "range": [0, 20],
         "internal": d["internal"]}
        for d in rich.listdescriptors()["descriptors"] if d["desc"].startswith("wpkh")])
    address = watching.getnewaddress()
    rich.sendtoaddress(address, 5)
    node.generatetoaddress(1, rich.getnewaddress())
    sent = watching.send(outputs={rich.getnewaddress(): 1})
    assert not sent["complete"] and set(sent) == {"complete", "psbt"}
    signed = rich.walletprocesspsbt(sent["psbt"])
    assert signed["complete"]
    expect_error(-4, "Error: Private keys are disabled for this wallet",
                 watching.sendtoaddress, address, 1)


def test_send_with_given_inputs(node, rich, other):
    coin = max(rich.listunspent(), key=lambda c: c["amount"])
    inputs = [{"txid": coin["txid"], "vout": coin["vout"]}]
    sent = rich.send(outputs={other.getnewaddress(): 1}, options={"inputs": inputs})
    vin = details(node, sent["txid"])["vin"]
    assert [(i["txid"], i["vout"]) for i in vin] == [(coin["txid"], coin["vout"])]
    coin = max(rich.listunspent(), key=lambda c: c["amount"])
    inputs = [{"txid": coin["txid"], "vout": coin["vout"]}]
    pay = {other.getnewaddress(): coin["amount"] + 10}
    expect_error(-4, "The preselected coins total amount does not cover the transaction "
                 "target. Please allow other inputs to be automatically selected or "
                 "include more coins manually", rich.send, pay,
                 options={"inputs": inputs})
    sent = rich.send(pay, options={"inputs": inputs, "add_inputs": True})
    vin = details(node, sent["txid"])["vin"]
    assert (vin[0]["txid"], vin[0]["vout"]) == (coin["txid"], coin["vout"])
    assert len(vin) > 1


def test_send_places_change_as_told(node, rich, other):
    a, b, mine = other.getnewaddress(), other.getnewaddress(), rich.getnewaddress()
    for place in range(3):
        sent = rich.send([{a: 1}, {b: 2}],
                         options={"change_address": mine, "change_position": place})
        order = [o["scriptPubKey"]["address"]
                 for o in details(node, sent["txid"])["vout"]]
        want = [a, b]
        want.insert(place, mine)
        assert order == want
    expect_error(-8, "changePosition out of bounds", rich.send, {a: 1},
                 options={"change_position": 2})
    expect_error(-5, "Change address must be a valid bitcoin address", rich.send, {a: 1},
                 options={"change_address": "foo"})
    expect_error(-5, "Unknown change type 'foo'", rich.send, {a: 1},
                 options={"change_type": "foo"})
    expect_error(-8, "Cannot specify both change address and address type options",
                 rich.send, {a: 1}, options={"change_type": "bech32",
                                             "change_address": mine})


def test_send_options_are_checked(rich, other):
    pay = {other.getnewaddress(): 1}
    for old, new in [("feeRate", "fee_rate (sat/vB)"), ("changeAddress", "change_address"),
                     ("changePosition", "change_position"),
                     ("includeWatching", "include_watching"),
                     ("lockUnspents", "lock_unspents"),
                     ("subtractFeeFromOutputs", "subtract_fee_from_outputs")]:
        expect_error(-8, f"Use {new} instead of {old}", rich.send, pay, options={old: 1})
    expect_error(-3, "Unexpected key foo", rich.send, pay, options={"foo": 1})
    expect_error(-3, "JSON value of type number for field add_to_wallet is not of "
                 "expected type bool", rich.send, pay, options={"add_to_wallet": 1})
    expect_error(-8, "Pass conf_target and estimate_mode either as arguments or in the "
                 "options object, but not both", rich.send, pay, 1, "economical",
                 options={"conf_target": 1, "estimate_mode": "economical"})
    expect_error(-8, "Pass the fee_rate either as an argument, or in the options object, "
                 "but not both", rich.send, pay, fee_rate=1, options={"fee_rate": 1})
    expect_error(-8, "Specify estimate_mode", rich.send, pay, conf_target=1)
    expect_error(-8, "Negative minconf", rich.send, pay, options={"minconf": -1})
    expect_error(-8, "maxconf can't be lower than minconf: 1 < 2", rich.send, pay,
                 options={"minconf": 2, "maxconf": 1})
    expect_error(-4, "Maximum transaction weight must be between 260 and 400000",
                 rich.send, pay, options={"max_tx_weight": 400001})


def test_send_locktime_and_locks(node, rich, other):
    sent = rich.send({other.getnewaddress(): 1}, options={"locktime": 7,
                                                         "add_to_wallet": False,
                                                         "lock_unspents": True})
    tx = node.decoderawtransaction(sent["hex"])
    assert tx["locktime"] == 7
    locked = {(c["txid"], c["vout"]) for c in rich.listlockunspent()}
    assert {(i["txid"], i["vout"]) for i in tx["vin"]} <= locked
    rich.lockunspent(True)


def test_data_outputs(node, rich):
    sent = rich.send([{"data": "c0ffee"}])
    assert "6a03c0ffee" in [o["scriptPubKey"]["hex"]
                            for o in details(node, sent["txid"])["vout"]]


def test_max_tx_weight_is_kept(node, rich, other):
    address = other.getnewaddress()
    expect_error(-4, "Maximum transaction weight is less than transaction weight without "
                 "inputs", rich.send, [{"data": "00" * 80}], options={"max_tx_weight": 400})
    expect_error(-4, "Maximum transaction weight is too low, can not accommodate change "
                 "output", rich.send, {address: 1}, options={"max_tx_weight": 264})
    small = rich.send({address: 1}, options={"max_tx_weight": 1000,
                                             "add_to_wallet": False})
    assert node.decoderawtransaction(small["hex"])["weight"] <= 1000


# -- external inputs ------------------------------------------------------------------

def test_inputs_of_others_need_solving_data(node, rich, other):
    source = other.getnewaddress()
    txid = rich.sendtoaddress(source, 10)
    node.generatetoaddress(1, rich.getnewaddress())
    coin = next(c for c in other.listunspent() if c["txid"] == txid)
    external = {"txid": txid, "vout": coin["vout"]}
    pay = {rich.getnewaddress(): 15}
    expect_error(-4, "Not solvable pre-selected input COutPoint(%s, %s)"
                 % (txid[:10], coin["vout"]), rich.send, pay,
                 options={"inputs": [external], "add_inputs": True})
    info = other.getaddressinfo(source)
    solve = [{"pubkeys": [info["pubkey"]]}, {"descriptors": [info["desc"]]}]
    for data in solve:
        sent = rich.send(pay, fee_rate=10, options={
            "inputs": [external], "add_inputs": True, "solving_data": data})
        assert not sent["complete"]
        signed = other.walletprocesspsbt(sent["psbt"])
        assert signed["complete"]
        tx = node.decoderawtransaction(node.finalizepsbt(signed["psbt"])["hex"])
        fee = node.decodepsbt(signed["psbt"])["fee"]
        assert 10 <= fee / SAT / tx["vsize"] < D("10.2")
    weighed = dict(external, weight=273)
    sent = rich.send(pay, options={"inputs": [weighed], "add_inputs": True})
    assert not sent["complete"]
    for weight, why in [(164, "Invalid parameter, weight cannot be less than 165"),
                        (400001, "Invalid parameter, weight cannot be greater than the "
                                 "maximum standard tx weight of 400000")]:
        expect_error(-8, why, rich.send, pay, options={
            "inputs": [dict(external, weight=weight)], "add_inputs": True})
    expect_error(-8, "Input weights should be specified in inputs rather than in options.",
                 rich.send, pay, options={
                     "inputs": [external], "input_weights": [weighed],
                     "add_inputs": True})
    expect_error(-4, "Unable to find UTXO for external input", rich.send, pay,
                 options={"inputs": [{"txid": "00" * 32, "vout": 1}], "add_inputs": True})
    expect_error(-5, "Pubkey 'not hex' is not a hex string", rich.send, pay,
                 options={"solving_data": {"pubkeys": ["not hex"]}})
    expect_error(-5, "Pubkey '01234567890a0b0c0d0e0f' is not valid", rich.send, pay,
                 options={"solving_data": {"pubkeys": ["01234567890a0b0c0d0e0f"]}})
    expect_error(-5, "Script 'not a script' is not a hex string", rich.send, pay,
                 options={"solving_data": {"scripts": ["not a script"]}})
    expect_error(-8, "Unable to parse descriptor 'not a descriptor'", rich.send, pay,
                 options={"solving_data": {"descriptors": ["not a descriptor"]}})


def test_locked_wallets_do_not_send(node, rich):
    w = node.new_wallet("sealed", passphrase="pass")
    a = w.getnewaddress()
    rich.sendtoaddress(a, 1)
    node.generatetoaddress(1, rich.getnewaddress())
    expect_error(-13, "Please enter the wallet passphrase with walletpassphrase first",
                 w.sendtoaddress, a, D("0.1"))
    expect_error(-13, "walletpassphrase", w.sendmany, "", {a: D("0.1")})
    assert not w.send({a: D("0.1")})["complete"]
    w.walletpassphrase("pass", 100)
    w.sendtoaddress(a, D("0.1"))
