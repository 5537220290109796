"""Fee estimation: what the node learns from blocks, says over RPC, pays in wallets, and
keeps over restarts."""
import os
import time
from decimal import Decimal as D

import pytest

from framework import fixtures
from framework.rpc import expect_error
from framework.util import wait_until
from framework.wallet import MiniWallet

NO_DATA = ["Insufficient data or no feerate found"]
LOW, HIGH = 3, 40           # smallest units per vbyte
PER_BLOCK, ROUNDS = 5, 22
DELAY = 4                   # blocks that pass before one with LOW is mined
FILE = "fee_estimates.dat"


node = fixtures.node_of_each("-keypool=20")


@pytest.fixture(scope="module")
def coins(node):
    coins = MiniWallet(node)
    w = node.new_wallet("w")
    node.generatetoaddress(3, w.getnewaddress())
    coins.generate(102)
    coins.send(outputs=PER_BLOCK * (2 * ROUNDS + 12) + 20, fee_rate=10_000)
    coins.generate(1)
    return coins


def per_vbyte(node, amount):
    return node.params.units(amount) / 1000


def smart(node, target, *mode):
    """Fee rate in units per vbyte, and the target that it is for."""
    found = node.estimatesmartfee(target, *mode)
    return per_vbyte(node, found["feerate"]), found["blocks"]


def near(rate):
    return pytest.approx(rate, rel=0.03)


def send_some(coins, rate):
    return [coins.send(fee_rate=rate * 1000, confirmed_only=True).txid
            for _ in range(PER_BLOCK)]


def mine(coins, txids):
    coins.scan_blocks([coins.node.generateblock(coins.descriptor(), txids)["hash"]])


# -- knowing nothing -------------------------------------------------------------------

def test_without_data(node, coins):
    # the coins' own transactions are too few
    assert node.estimatesmartfee(6) == {"errors": NO_DATA, "blocks": 0}
    raw = node.estimaterawfee(13)
    assert sorted(raw) == ["long", "medium"]
    assert raw["medium"]["errors"] == \
        ["Insufficient data or no feerate found which meets threshold"]
    assert (raw["medium"]["decay"], raw["medium"]["scale"]) == \
        (D("0.9952"), 2)
    assert raw["medium"]["fail"]["startrange"] == 0
    assert "pass" not in raw["medium"] and "feerate" not in raw["medium"]
    assert list(node.estimaterawfee(49)) == ["long"]
    assert list(node.estimaterawfee(1)) == ["short", "medium", "long"]


def test_arguments(node, coins):
    for call in node.estimatesmartfee, node.estimaterawfee:
        for target in -1, 0, 1009:
            expect_error(-8, "Invalid conf_target, must be between 1 and 1008", call,
                         target)
        expect_error(-3, "JSON value of type string is not of expected type number", call,
                     "foo")
        expect_error(-1, "", call)
    expect_error(-8, 'Invalid estimate_mode parameter, must be one of: "unset", '
                 '"economical", "conservative"', node.estimatesmartfee, 1, "foo")
    expect_error(-3, "JSON value of type number is not of expected type string",
                 node.estimatesmartfee, 1, 1)
    expect_error(-1, "", node.estimatesmartfee, 1, "ECONOMICAL", 1)
    for threshold in -0.1, 1.1:
        expect_error(-8, "Invalid threshold", node.estimaterawfee, 1, threshold)
    for mode in "unset", "ECONOMICAL", "conservative", None:
        node.estimatesmartfee(1, mode)
    assert "estimaterawfee" not in node.help()
    assert "estimatesmartfee" in node.help()


# -- learning --------------------------------------------------------------------------

@pytest.fixture(scope="module")
def learned(node, coins):
    """Blocks take HIGH at once and LOW after DELAY more blocks."""
    waiting = []
    for _ in range(ROUNDS):
        waiting.append(send_some(coins, LOW))
        now = send_some(coins, HIGH)
        mine(coins, now + (waiting.pop(0) if len(waiting) > DELAY else []))
    mine(coins, sum(waiting, []))
    return node


def test_estimates(learned):
    node = learned
    assert smart(node, 1) == smart(node, 2) == (near(HIGH), 2)
    # half the target, and so many of them as were mined within it, decide
    assert smart(node, 2 * DELAY) == (near(HIGH), 2 * DELAY)
    assert smart(node, 2 * DELAY + 2) == (near(LOW), 2 * DELAY + 2)
    # no more than half of what was seen
    assert smart(node, 1008) == (near(LOW), ROUNDS // 2)
    rates = [smart(node, t)[0] for t in range(1, 1 + ROUNDS // 2)]
    assert rates == sorted(rates, reverse=True)


def test_raw_evidence(learned):
    raw = learned.estimaterawfee(1, 0.6)["short"]
    assert per_vbyte(learned, raw["feerate"]) == near(HIGH)
    good, bad = raw["pass"], raw["fail"]
    assert good["endrange"] > HIGH * 1000 > good["startrange"] > bad["startrange"]
    assert good["withintarget"] == good["totalconfirmed"] > 0
    assert bad["withintarget"] < bad["totalconfirmed"]
    late = learned.estimaterawfee(DELAY + 1, 0.95)["short"]
    assert per_vbyte(learned, late["feerate"]) == near(LOW)


def counted(node):
    """Weight of what HIGH stands on."""
    return node.estimaterawfee(1, 0.6)["medium"]["pass"]["totalconfirmed"]


def test_children_and_packages_teach_nothing(learned, coins):
    before, decay = counted(learned), D("0.9952")
    txs = coins.chain(2, fee_rate=HIGH * 1000)
    for tx in txs:
        coins.broadcast(tx)
    mine(coins, [tx.txid for tx in txs])
    # of the two, the parent counts; everything else lost some weight
    assert counted(learned) == pytest.approx(before * decay + 1, abs=D("0.02"))
    txs = coins.chain(2, fee_rate=HIGH * 1000)
    assert learned.submitpackage([tx.hex() for tx in txs])["package_msg"] == "success"
    mine(coins, [tx.txid for tx in txs])
    assert counted(learned) == pytest.approx((before * decay + 1) * decay, abs=D("0.02"))


# -- paying ----------------------------------------------------------------------------

def paid(node, raw, fee):
    return per_vbyte(node, fee * 1000) / node.decoderawtransaction(raw)["vsize"]


def test_wallet_pays_what_is_estimated(learned):
    node, w = learned, learned.wallet("w")
    there = w.getnewaddress()
    low, high = 2 * DELAY + 2, 2
    for target, rate in [(low, LOW), (high, HIGH)]:
        sent = w.sendtoaddress(address=there, amount=1, conf_target=target,
                               estimate_mode="economical", verbose=True)
        assert "Target" in sent["fee_reason"]
        tx = w.gettransaction(sent["txid"])
        assert paid(node, tx["hex"], -tx["fee"]) == near(rate)
        node.generatetoaddress(1, there)
        sent = w.send({there: 1}, target, "economical", psbt=True, add_to_wallet=False)
        raw = node.finalizepsbt(sent["psbt"])["hex"]
        assert paid(node, raw, w.decodepsbt(sent["psbt"])["fee"]) == near(rate)
        funded = w.fundrawtransaction(node.createrawtransaction([], {there: 1}),
                                      {"conf_target": target})
        signed = w.signrawtransactionwithwallet(funded["hex"])["hex"]
        assert paid(node, signed, funded["fee"]) == near(rate)
        made = w.walletcreatefundedpsbt([], {there: 1}, 0, {"conf_target": target})
        done = node.finalizepsbt(w.walletprocesspsbt(made["psbt"])["psbt"])
        assert paid(node, done["hex"], made["fee"]) == near(rate)


def test_bumpfee_pays_what_is_estimated(learned):
    node, w = learned, learned.wallet("w")
    txid = w.sendtoaddress(address=w.getnewaddress(), amount=1, fee_rate=2,
                           replaceable=True)
    bumped = w.bumpfee(txid, {"conf_target": 2})
    raw = w.gettransaction(bumped["txid"])["hex"]
    assert paid(node, raw, bumped["fee"]) == near(HIGH)
    node.generatetoaddress(1, w.getnewaddress())


def test_what_cannot_be_replaced_is_estimated_conservatively(learned, coins):
    """When blocks at last take LOW at once, the short horizon alone believes it soon."""
    node, w = learned, learned.wallet("w")
    there = w.getnewaddress()
    node.generatetoaddress(100, there)
    for _ in range(12):
        mine(coins, send_some(coins, LOW))

    def rate(**how):
        made = w.walletcreatefundedpsbt([], {there: 1}, 0, how)
        done = node.finalizepsbt(w.walletprocesspsbt(made["psbt"])["psbt"])
        return paid(node, done["hex"], made["fee"])

    assert smart(node, 2, "economical")[0] == near(LOW)
    assert smart(node, 2, "conservative")[0] == near(HIGH)
    assert smart(node, 2)[0] == smart(node, 2, "unset")[0] == near(LOW)
    assert rate(conf_target=2) == near(LOW)
    assert rate(conf_target=2, replaceable=False) == near(HIGH)
    assert rate(conf_target=2, replaceable=False, estimate_mode="economical") == near(LOW)
    assert rate(conf_target=2, estimate_mode="conservative") == near(HIGH)


# -- the file --------------------------------------------------------------------------

def age_file(node, hours):
    then = time.time() - hours * 3600
    os.utime(node.path(FILE), (then, then))


def answers(node):
    return [node.estimatesmartfee(t) for t in (2, 4, 6, 8, 10)]


def test_estimates_survive_a_restart(learned):
    before = answers(learned)
    assert "feerate" in before[0]
    learned.restart()
    assert [a["feerate"] for a in answers(learned)] == [a["feerate"] for a in before]
    assert "Failed to read fee estimates" not in learned.log()


def test_saved_every_hour(learned):
    os.remove(learned.path(FILE))
    learned.mockscheduler(3599)
    learned.mockscheduler(60)
    wait_until(lambda: os.path.exists(learned.path(FILE)))


def test_old_file_is_not_used(learned):
    learned.stop()
    age_file(learned, 60)
    learned.start()
    assert "feerate" in learned.estimatesmartfee(2)
    learned.stop()
    age_file(learned, 62)
    with open(learned.path(FILE), "rb") as f:
        kept = f.read()
    at = learned.log_size()
    learned.start("-acceptstalefeeestimates")
    assert "feerate" in learned.estimatesmartfee(2)
    learned.stop()
    age_file(learned, 62)
    learned.start()
    learned.wait_log("too old (age=62 > 60 hours) and will not be used", at)
    assert learned.estimatesmartfee(2) == {"errors": NO_DATA, "blocks": 0}
    learned.stop()
    with open(learned.path(FILE), "wb") as f:
        f.write(kept)


def test_damaged_file_is_named_and_ignored(learned):
    learned.stop()
    with open(learned.path(FILE), "r+b") as f:
        f.seek(5000)
        f.write(b"damage")
    at = learned.log_size()
    learned.start()
    learned.wait_log(f"Failed to read fee estimates from {learned.path(FILE)}", at)
    assert learned.estimatesmartfee(2) == {"errors": NO_DATA, "blocks": 0}
    assert learned.getblockcount() > ROUNDS


def test_options(learned):
    learned.restart("-blocksonly")
    for call in learned.estimatesmartfee, learned.estimaterawfee:
        expect_error(-32603, "Fee estimation disabled", call, 2)
    learned.stop()
