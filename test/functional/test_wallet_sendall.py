"""sendall: coins are spent completely, recipients share what is left."""
from decimal import Decimal as D

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error

SAT = D("0.00000001")


node = fixtures.node("-fallbackfee=0.0002", "-keypool=20", params=BITCOIN)
miner = fixtures.rich_wallet("miner", 130)


@pytest.fixture(scope="module")
def to(miner):
    return miner.getnewaddress()


@pytest.fixture
def w(node, miner, request):
    return node.new_wallet(request.node.name)


def fill(node, miner, w, amounts):
    addresses = [w.getnewaddress() for _ in amounts]
    miner.sendmany("", dict(zip(addresses, amounts)))
    node.generatetoaddress(1, miner.getnewaddress())


def outputs(node, txid):
    return {o["scriptPubKey"]["address"]: o["value"]
            for o in node.getrawtransaction(txid, 1)["vout"]}


def test_everything_goes(node, miner, w, to):
    fill(node, miner, w, [1, 2, 3])
    sent = w.sendall([to])
    assert sent["complete"]
    tx = node.getrawtransaction(sent["txid"], 1)
    fee = 6 - sum(outputs(node, sent["txid"]).values())
    assert len(tx["vin"]) == 3 and len(tx["vout"]) == 1
    assert fee / SAT / tx["vsize"] == pytest.approx(20, abs=0.3)
    assert w.getbalances()["mine"]["trusted"] == 0
    assert tx["locktime"] == 0 and {i["sequence"] for i in tx["vin"]} == {0xfffffffd}


def test_recipients_share_the_rest(node, miner, w, to):
    fill(node, miner, w, [3])
    a, b = miner.getnewaddress(), miner.getnewaddress()
    sent = w.sendall([a, {to: 1}, b], fee_rate=D("1.003"))
    out = outputs(node, sent["txid"])
    assert out[to] == 1
    assert 0 <= out[a] - out[b] <= SAT
    assert out[a] + out[b] < 2


def test_what_cannot_be(node, miner, w, to):
    expect_error(-8, "Must provide at least one address without a specified amount",
                 w.sendall, [{to: 1}])
    expect_error(-6, "Total value of UTXO pool too low to pay for transaction. Try using "
                 "lower feerate or excluding uneconomic UTXOs with 'send_max' option.",
                 w.sendall, [to])
    fill(node, miner, w, [1, 2])
    coins = w.listunspent()
    ins = [{"txid": c["txid"], "vout": c["vout"]} for c in coins]
    extra = miner.getnewaddress()
    expect_error(-6, "Assigned more value to outputs than available funds.", w.sendall,
                 [to, {extra: 4}])
    expect_error(-6, "Insufficient funds for fees after creating specified outputs.",
                 w.sendall, [to, {extra: 3}])
    expect_error(-6, "Dynamically assigned remainder results in dust output.", w.sendall,
                 [to, {extra: D("2.99995")}], fee_rate=D("23.8"))
    expect_error(-8, f"Specified output amount to {extra} is below dust threshold.",
                 w.sendall, [to, {extra: SAT}])
    expect_error(-8, "Cannot combine send_max with specific inputs.", w.sendall, [to],
                 options={"inputs": ins, "send_max": True})
    expect_error(-8, "Cannot combine minconf or maxconf with specific inputs.", w.sendall,
                 [to], options={"inputs": ins, "minconf": 1})
    expect_error(-8, "Invalid minconf (minconf cannot be negative): -1", w.sendall, [to],
                 options={"minconf": -1})
    expect_error(-8, "maxconf can't be lower than minconf: 1 < 2", w.sendall, [to],
                 options={"minconf": 2, "maxconf": 1})
    expect_error(-4, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)",
                 w.sendall, [to], fee_rate=100000)
    expect_error(-8, "Fee rate (0.999 sat/vB) is lower than the minimum fee rate setting "
                 "(1.000 sat/vB)", w.sendall, [to], fee_rate=D("0.999"))
    expect_error(-3, "Unexpected key foo", w.sendall, [to], options={"foo": 1})
    foreign = miner.listunspent()[0]
    expect_error(-8, "Input not found. UTXO (%s:%d) is not part of wallet."
                 % (foreign["txid"], foreign["vout"]), w.sendall, [to], options={
                     "inputs": [{"txid": foreign["txid"], "vout": foreign["vout"]}]})
    assert w.getbalances()["mine"]["trusted"] == 3
    one = [i for i, c in zip(ins, coins) if c["amount"] == 1]
    sent = w.sendall([to], options={"inputs": one})
    assert len(node.getrawtransaction(sent["txid"], 1)["vin"]) == 1
    expect_error(-8, "Input not available. UTXO (%s:%d) was already spent."
                 % (one[0]["txid"], one[0]["vout"]), w.sendall, [to],
                 options={"inputs": one})


def test_send_max_leaves_what_costs_more(node, miner, w, to):
    fill(node, miner, w, [D("0.00000400"), D("0.00001000"), D("0.00002000"), 1])
    sent = w.sendall([to], fee_rate=20, options={"send_max": True})
    assert len(node.getrawtransaction(sent["txid"], 1)["vin"]) == 2
    assert w.getbalances()["mine"]["trusted"] == D("0.000014")
    expect_error(-6, "Total value of UTXO pool too low to pay for transaction, try using "
                 "lower feerate.", w.sendall, [to], fee_rate=20,
                 options={"send_max": True})


def test_locked_coins_stay(node, miner, w, to):
    fill(node, miner, w, [1, 2])
    coin = w.listunspent()[0]
    w.lockunspent(False, [{"txid": coin["txid"], "vout": coin["vout"]}])
    w.sendall([to])
    w.lockunspent(True)
    assert [c["txid"] for c in w.listunspent()] == [coin["txid"]]


def test_depths(node, miner, w, to):
    fill(node, miner, w, [1])
    fill(node, miner, w, [2])
    sent = w.sendall([to], options={"minconf": 2, "add_to_wallet": False})
    assert len(node.decoderawtransaction(sent["hex"])["vin"]) == 1
    sent = w.sendall([to], options={"maxconf": 1})
    vin = node.getrawtransaction(sent["txid"], 1)["vin"]
    assert len(vin) == 1
    assert [c["amount"] for c in w.listunspent()] == [1]


def test_psbt_and_locktime(node, miner, w, to):
    fill(node, miner, w, [1])
    sent = w.sendall([to], options={"psbt": True, "locktime": 5, "lock_unspents": True})
    assert sent["complete"] and sent["hex"]
    assert node.decodepsbt(sent["psbt"])["tx"]["locktime"] == 5
    assert len(w.listlockunspent()) == 1
    assert w.getbalances()["mine"]["trusted"] == 1


def test_too_many_coins(node, miner, w, to):
    """More inputs than one transaction may have."""
    addresses = [w.getnewaddress() for _ in range(300)]
    for _ in range(5):
        miner.sendmany("", {a: D("0.0001") for a in addresses})
    node.generatetoaddress(1, miner.getnewaddress())
    expect_error(-4, "Transaction too large.", w.sendall, [to], fee_rate=1)
