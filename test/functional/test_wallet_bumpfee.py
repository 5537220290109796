"""bumpfee and psbtbumpfee: what can be replaced, by what, at what price."""
from decimal import Decimal as D

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error

SAT = D("0.00000001")


node = fixtures.node("-fallbackfee=0.0002", "-keypool=20", params=BITCOIN)
rich = fixtures.rich_wallet("rich", 120)


@pytest.fixture(scope="module")
def other(node):
    return node.new_wallet("other")


@pytest.fixture
def sender(node, rich, request):
    """A wallet with 25 coins of 0.001."""
    w = node.new_wallet(request.node.name)
    rich.sendmany("", {w.getnewaddress(): D("0.001") for _ in range(25)})
    mine(node, rich)
    return w


def mine(node, rich, n=1):
    node.generatetoaddress(n, rich.getnewaddress())


def decoded(node, txid):
    return node.getrawtransaction(txid, 1)


def spend_one(node, w, to, amount=D("0.0005"), sequence=0xfffffffd):
    """One coin, one payment, change."""
    coin = w.listunspent()[0]
    raw = node.createrawtransaction(
        [{"txid": coin["txid"], "vout": coin["vout"], "sequence": sequence}],
        {to: amount, w.getrawchangeaddress(): coin["amount"] - amount - D("0.00001")},
        0, sequence <= 0xfffffffd)
    return node.sendrawtransaction(w.signrawtransactionwithwallet(raw)["hex"])


def fee_of(node, w, txid):
    return -w.gettransaction(txid)["fee"]


@pytest.mark.parametrize("how", [{}, {"conf_target": 6}, {"fee_rate": 30},
                                 {"outputs": True}])
def test_a_bump_pays_more(node, rich, other, sender, how):
    to = other.getnewaddress()
    txid = spend_one(node, sender, to)
    if "outputs" in how:
        how = {"outputs": [{to: D("0.0003")}]}
    bumped = sender.bumpfee(txid, how)
    assert bumped["errors"] == []
    assert bumped["fee"] > bumped["origfee"] == D("0.00001")
    pool = node.getrawmempool()
    assert bumped["txid"] in pool and txid not in pool
    old, new = sender.gettransaction(txid), sender.gettransaction(bumped["txid"])
    assert old["replaced_by_txid"] == bumped["txid"]
    assert new["replaces_txid"] == txid
    assert -new["fee"] == bumped["fee"]
    tx = decoded(node, bumped["txid"])
    if "fee_rate" in how:
        # paid for the longest signature; a shorter one may make a virtual byte less
        assert bumped["fee"] / SAT in [30 * tx["vsize"], 30 * (tx["vsize"] + 1)]
    want = D("0.0003") if "outputs" in how else D("0.0005")
    assert want in [o["value"] for o in tx["vout"]]
    mine(node, rich)
    assert sender.gettransaction(txid)["confirmations"] == -1


def test_a_bump_can_be_bumped(node, other, sender):
    txid = spend_one(node, sender, other.getnewaddress())
    first = sender.bumpfee(txid)
    expect_error(-4, f"Cannot bump transaction {txid} which was already bumped by "
                 f"transaction {first['txid']}", sender.bumpfee, txid)
    second = sender.bumpfee(first["txid"])
    assert second["fee"] > first["fee"] == second["origfee"]


def test_options_are_checked(node, other, sender):
    txid = spend_one(node, sender, other.getnewaddress())
    expect_error(-3, "Unexpected key totalFee", sender.bumpfee, txid, {"totalFee": 1})
    expect_error(-8, "Cannot specify both conf_target and fee_rate", sender.bumpfee, txid,
                 {"conf_target": 1, "fee_rate": 10})
    expect_error(-8, "confTarget and conf_target options should not both be set. Use "
                 "conf_target (confTarget is deprecated).", sender.bumpfee, txid,
                 {"confTarget": 1, "conf_target": 1})
    expect_error(-8, "Invalid conf_target, must be between 1 and 1008", sender.bumpfee,
                 txid, {"conf_target": 0})
    expect_error(-3, "Amount out of range", sender.bumpfee, txid, {"fee_rate": -1})
    expect_error(-3, "Invalid amount", sender.bumpfee, txid, {"fee_rate": "1.2345"})
    expect_error(-8, "Insufficient total fee", sender.bumpfee, txid, {"fee_rate": 5})
    expect_error(-4, "Specified or calculated fee 0.141 is too high (cannot be higher "
                 "than -maxtxfee 0.10)", sender.bumpfee, txid, {"fee_rate": 100000})
    expect_error(-8, "Invalid parameter, output argument cannot be an empty array",
                 sender.bumpfee, txid, {"outputs": []})
    expect_error(-8, "Change position is out of range", sender.bumpfee, txid,
                 {"original_change_index": 2})
    expect_error(-8, "The options 'outputs' and 'original_change_index' are incompatible",
                 sender.bumpfee, txid,
                 {"original_change_index": 1,
                  "outputs": [{other.getnewaddress(): D("0.0001")}]})
    expect_error(-8, 'Invalid estimate_mode parameter, must be one of: "unset", '
                 '"economical", "conservative"', sender.bumpfee, txid,
                 {"estimate_mode": "moo"})
    expect_error(-5, "Invalid or non-wallet transaction id", sender.bumpfee, "00" * 32)


def test_not_replaceable(node, other, sender):
    txid = spend_one(node, sender, other.getnewaddress(), sequence=0xfffffffe)
    expect_error(-4, "Transaction is not BIP 125 replaceable", sender.bumpfee, txid)


def test_with_descendants(node, rich, other, sender):
    txid = spend_one(node, sender, sender.getnewaddress())
    coin = next(c for c in sender.listunspent(0) if c["txid"] == txid)
    raw = node.createrawtransaction([{"txid": txid, "vout": coin["vout"]}],
                                    {other.getnewaddress(): coin["amount"] - D("0.00001")})
    child = node.sendrawtransaction(sender.signrawtransactionwithwallet(raw)["hex"])
    expect_error(-8, "Transaction has descendants in the wallet", sender.bumpfee, txid)
    assert child in node.getrawmempool()
    # a child that the wallet does not know
    paid = other.getnewaddress()
    txid = spend_one(node, sender, paid)
    coin = next(c for c in other.listunspent(0) if c["txid"] == txid)
    raw = node.createrawtransaction([{"txid": txid, "vout": coin["vout"]}],
                                    {rich.getnewaddress(): coin["amount"] - D("0.00001")})
    node.sendrawtransaction(other.signrawtransactionwithwallet(raw)["hex"])
    expect_error(-8, "Transaction has descendants in the mempool", sender.bumpfee, txid)


def test_not_all_inputs_ours(node, rich, other, sender):
    paid = other.getnewaddress()
    rich.sendtoaddress(paid, D("0.001"))
    mine(node, rich)
    theirs = next(c for c in other.listunspent() if c["amount"] == D("0.001"))
    ours = sender.listunspent()[0]
    raw = node.createrawtransaction(
        [{"txid": c["txid"], "vout": c["vout"]} for c in (ours, theirs)],
        {sender.getnewaddress(): D("0.00199")}, 0, True)
    half = sender.signrawtransactionwithwallet(raw)["hex"]
    txid = node.sendrawtransaction(other.signrawtransactionwithwallet(half)["hex"])
    expect_error(-4, "Transaction contains inputs that don't belong to this wallet",
                 sender.bumpfee, txid)
    psbt = sender.psbtbumpfee(txid, {"fee_rate": 50})
    assert psbt["fee"] > psbt["origfee"]


def test_small_change_goes_to_the_fee(node, other, sender):
    """Change that would become dust is left out; new inputs come where it is not enough."""
    txid = spend_one(node, sender, other.getnewaddress(), amount=D("0.00098"))
    bumped = sender.bumpfee(txid, {"fee_rate": 13})
    tx = decoded(node, bumped["txid"])
    assert len(tx["vin"]) == 1 and len(tx["vout"]) == 1
    txid = spend_one(node, sender, other.getnewaddress(), amount=D("0.00098"))
    bumped = sender.bumpfee(txid, {"fee_rate": 50})
    assert len(decoded(node, bumped["txid"])["vin"]) == 2


def test_a_chosen_output_is_reduced(node, rich, other, sender):
    change = sender.getrawchangeaddress()
    to = sender.getnewaddress()   # by itself the wallet would not take it for change
    coin = sender.listunspent()[0]
    raw = node.createrawtransaction([{"txid": coin["txid"], "vout": coin["vout"]}],
                                    [{to: D("0.0004")}, {change: D("0.0005")}], 0, True)
    txid = node.sendrawtransaction(sender.signrawtransactionwithwallet(raw)["hex"])
    bumped = sender.bumpfee(txid, {"original_change_index": 0, "fee_rate": 100})
    out = {o["scriptPubKey"]["address"]: o["value"]
           for o in decoded(node, bumped["txid"])["vout"]}
    assert out[change] == D("0.0005") and out[to] < D("0.0004")


def test_the_only_output_pays_when_it_is_change(node, sender):
    coin = sender.listunspent()[0]
    raw = node.createrawtransaction([{"txid": coin["txid"], "vout": coin["vout"]}],
                                    {sender.getrawchangeaddress(): D("0.000995")}, 0, True)
    txid = node.sendrawtransaction(sender.signrawtransactionwithwallet(raw)["hex"])
    bumped = sender.bumpfee(txid, {"fee_rate": 20})
    assert len(decoded(node, bumped["txid"])["vout"]) == 1


def test_remarks_stay(node, other, sender):
    txid = sender.sendtoaddress(other.getnewaddress(), D("0.0005"), "lunch", "bob")
    new = sender.gettransaction(sender.bumpfee(txid)["txid"])
    assert (new["comment"], new["to"]) == ("lunch", "bob")


def test_watching_wallets_make_psbts(node, rich, other, sender):
    watching = node.new_wallet("bump_watching", disable_private_keys=True)
    watching.importdescriptors([
        {"desc": d["desc"], "timestamp": "now", "active": True, "range": [0, 30],
         "next_index": d["next"], "internal": d["internal"]}
        for d in sender.listdescriptors()["descriptors"] if d["desc"].startswith("wpkh")])
    rich.sendtoaddress(watching.getnewaddress(), D("0.002"))
    mine(node, rich)
    psbt = watching.walletcreatefundedpsbt([], {other.getnewaddress(): D("0.001")}, 0,
                                           {"fee_rate": 1})["psbt"]
    txid = node.sendrawtransaction(node.finalizepsbt(
        sender.walletprocesspsbt(psbt)["psbt"])["hex"])
    expect_error(-4, "bumpfee is not available with wallets that have private keys "
                 "disabled. Use psbtbumpfee instead.", watching.bumpfee, txid)
    bumped = watching.psbtbumpfee(txid, {"fee_rate": 10})
    assert bumped["fee"] > bumped["origfee"]
    final = node.finalizepsbt(sender.walletprocesspsbt(bumped["psbt"])["psbt"])
    assert final["complete"]
    new = node.sendrawtransaction(final["hex"])
    assert txid not in node.getrawmempool() and new in node.getrawmempool()


def test_locked_wallets_do_not_bump(node, rich, other):
    w = node.new_wallet("bump_sealed", passphrase="pass")
    rich.sendtoaddress(w.getnewaddress(), D("0.001"))
    mine(node, rich)
    w.walletpassphrase("pass", 100)
    txid = w.sendtoaddress(other.getnewaddress(), D("0.0005"))
    w.walletlock()
    expect_error(-13, "Please enter the wallet passphrase with walletpassphrase first.",
                 w.bumpfee, txid)


def test_abandoning_frees_the_old_coins(node, rich, other, sender):
    """A replacement that is abandoned leaves the original to be sent again."""
    txid = spend_one(node, sender, other.getnewaddress())
    bumped = sender.bumpfee(txid)["txid"]
    expect_error(-5, "Transaction not eligible for abandonment", sender.abandontransaction,
                 bumped)
    mine(node, rich)
    assert sender.gettransaction(bumped)["confirmations"] == 1


def test_settxfee_counts(node, other, sender):
    expect_error(-8, "txfee cannot be less than min relay tx fee (0.00001000 BTC/kvB)",
                 sender.settxfee, D("0.000005"))
    expect_error(-8, "txfee cannot be more than wallet max tx fee (0.10000000 BTC/kvB)",
                 sender.settxfee, D("0.11"))
    txid = spend_one(node, sender, other.getnewaddress())
    assert sender.settxfee(D("0.00025"))
    bumped = sender.bumpfee(txid)
    vsize = decoded(node, bumped["txid"])["vsize"]
    assert bumped["fee"] / SAT / vsize == pytest.approx(25, abs=0.3)
    assert sender.settxfee(0)


def test_an_abandoned_child_does_not_matter(node, rich, other, sender):
    txid = spend_one(node, sender, sender.getnewaddress(), amount=D("0.0009"))
    coin = next(c for c in sender.listunspent(0)
                if c["txid"] == txid and c["amount"] == D("0.0009"))
    child = sender.send({other.getnewaddress(): D("0.0002")}, fee_rate=1, options={
        "inputs": [{"txid": txid, "vout": coin["vout"]}]})["txid"]
    expect_error(-8, "Transaction has descendants in the wallet", sender.bumpfee, txid)
    # another child takes its place: the wallet may give the first one up
    raw = node.createrawtransaction([{"txid": txid, "vout": coin["vout"]}],
                                    {other.getnewaddress(): D("0.0008")})
    rival = node.sendrawtransaction(sender.signrawtransactionwithwallet(raw)["hex"])
    assert child not in node.getrawmempool() and rival in node.getrawmempool()
    mine(node, rich)
    assert sender.gettransaction(child)["confirmations"] == -1
