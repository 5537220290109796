"""Fee settings of wallets: options, settxfee, and what the node says about bad ones."""
from decimal import Decimal as D

import pytest

from framework.params import BITCOIN
from framework.rpc import expect_error

SAT = D("0.00000001")


@pytest.fixture(scope="module")
def node(module_lab):
    n = module_lab.node("-keypool=20", params=BITCOIN)
    w = n.new_wallet("w")
    n.generatetoaddress(110, w.getnewaddress())
    return n


@pytest.fixture(scope="module")
def w(node):
    return node.wallet("w")


# A signature may come out shorter than the wallet reckoned; payments have over 100 vbytes.
ONE_VBYTE = 0.01


def rate(node, w, **how):
    txid = w.sendtoaddress(address=w.getnewaddress(), amount=1, **how)
    return -w.gettransaction(txid)["fee"] / SAT / node.getrawtransaction(txid, 1)["vsize"]


def restart(node, *args):
    node.restart(*args)
    node.loadwallet("w")


def test_without_estimates_or_fallback(node, w):
    a = w.getnewaddress()
    text = ("Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable "
            "-fallbackfee.")
    for code, call in [
            (-6, lambda: w.sendtoaddress(a, 1)), (-6, lambda: w.sendmany("", {a: 1})),
            (-4, lambda: w.fundrawtransaction(node.createrawtransaction([], {a: 1}))),
            (-4, lambda: w.send({a: 1})), (-4, lambda: w.sendall([a])),
            (-4, lambda: w.walletcreatefundedpsbt([], {a: 1}))]:
        expect_error(code, text, call)
    assert rate(node, w, fee_rate=3) == pytest.approx(3, rel=ONE_VBYTE)


def test_settxfee(node, w):
    assert w.settxfee(D("0.00005"))
    assert rate(node, w) == pytest.approx(5, rel=ONE_VBYTE)
    assert rate(node, w, fee_rate=2) == pytest.approx(2, rel=ONE_VBYTE)
    expect_error(-6, "Fee estimation failed", w.sendtoaddress, address=w.getnewaddress(),
                 amount=1, conf_target=2)
    assert w.settxfee(0)
    expect_error(-3, "Amount out of range", w.settxfee, -1)
    expect_error(-8, "txfee cannot be less than min relay tx fee (0.00001000 BTC/kvB)",
                 w.settxfee, D("0.00000999"))


def test_options_set_rates(node, w):
    for args, want in [(["-fallbackfee=0.0003"], 30), (["-paytxfee=0.0001"], 10),
                       (["-paytxfee=0.00002", "-mintxfee=0.00004"], 4)]:
        restart(node, *args)
        assert rate(node, w) == pytest.approx(want, rel=ONE_VBYTE)
    expect_error(-6, "Fee rate (2.000 sat/vB) is lower than the minimum fee rate setting "
                 "(4.000 sat/vB)", w.sendtoaddress, address=w.getnewaddress(), amount=1,
                 fee_rate=2)
    expect_error(-8, "txfee cannot be less than wallet min fee (0.00004000 BTC/kvB)",
                 w.settxfee, D("0.00002"))


def test_maxtxfee(node, w):
    restart(node, "-fallbackfee=0.0002", "-maxtxfee=0.000025")
    expect_error(-6, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)",
                 w.sendtoaddress, w.getnewaddress(), 1)
    assert rate(node, w, fee_rate=10)
    expect_error(-8, "txfee cannot be more than wallet max tx fee (0.00002500 BTC/kvB)",
                 w.settxfee, D("0.00003"))


def test_walletrbf_and_zero_conf(node, w):
    restart(node, "-fallbackfee=0.0002", "-walletrbf=0")
    txid = w.sendtoaddress(w.getnewaddress(), 1)
    tx = node.getrawtransaction(txid, 1)
    assert {i["sequence"] for i in tx["vin"]} == {0xfffffffe}


def test_bad_options_stop_the_node(node):
    node.stop()
    for arg, why in [
            ("-mintxfee=x", "Invalid amount for -mintxfee=<amount>: 'x'"),
            ("-fallbackfee=x", "Invalid amount for -fallbackfee=<amount>: 'x'"),
            ("-discardfee=-1", "Invalid amount for -discardfee=<amount>: '-1'"),
            ("-maxapsfee=x", "Invalid amount for -maxapsfee=<amount>: 'x'"),
            ("-consolidatefeerate=x", "Invalid amount for -consolidatefeerate=<amount>: "
                                      "'x'"),
            ("-paytxfee=0.000001", "Invalid amount for -paytxfee=<amount>: '0.000001' "
                                   "(must be at least 0.00001000 BTC/kvB)"),
            ("-maxtxfee=0.000001",
             "Invalid amount for -maxtxfee=<amount>: '0.000001' (must be at least the "
             "minrelay fee of 0.00001000 BTC/kvB to prevent stuck transactions)")]:
        assert node.fails_to_start(arg) == "Error: " + why
    node.start("-fallbackfee=0.02")
    node.stop(stderr="Warning: -fallbackfee is set very high! This is the transaction fee "
              "you may pay when fee estimates are not available.")
    node.start()


# -- the ochre chain has five decimals; rates are in its smallest unit all the same ----

def test_rates_count_in_the_smallest_unit(lab):
    node = lab.node("-keypool=20", "-fallbackfee=0.2")
    w = node.new_wallet("w")
    node.generatetoaddress(105, w.getnewaddress())
    txid = w.sendtoaddress(w.getnewaddress(), 1)
    fee = -w.gettransaction(txid)["fee"] * 10 ** 5
    assert fee / node.getrawtransaction(txid, 1)["vsize"] == pytest.approx(20, rel=ONE_VBYTE)
    sent = w.send({w.getnewaddress(): 1}, fee_rate=D("1.5"))
    fee = -w.gettransaction(sent["txid"])["fee"] * 10 ** 5
    assert fee / node.getrawtransaction(sent["txid"], 1)["vsize"] == pytest.approx(
        D("1.5"), abs=D("0.1"))
