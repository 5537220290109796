"""An operator's life over JSON-RPC alone: register, update, penalty, revival, revoke."""
import pytest

from framework import fixtures
from framework import operators as op
from framework import script as sc
from framework.blocks import Chain
from framework.key import Key
from framework.node import sync_blocks
from framework.params import OCHRE
from framework.rpc import expect_error

PASS = "passphrase"
OWNER = Key.from_seed("owns everything here")


node = fixtures.node()
wallet = fixtures.mini_wallet(125)


def coin(node, wallet, value=20 * OCHRE.coin, script=None, key=OWNER):
    tx, n = wallet.send_to(script or sc.p2wpkh(key.pubkey), value, confirmed_only=True)
    wallet.generate(1)
    return {"txid": tx.txid, "vout": n}


def keys(*more):
    return {"passphrase": PASS, "privkeys": [k.wif(OCHRE) for k in (OWNER, *more)]}


def new_pastelid(node, wallet):
    name = node.pastelid("newkey", PASS)["pastelid"]
    node.tickets("register", "id", {"pastelid": name, "owner_address": OWNER.p2wpkh(OCHRE),
                                    "inputs": [coin(node, wallet)], **keys()})
    wallet.generate(1)
    return name


def check_root(node):
    assert node.getstateroot() == Chain.of(node).root.hex()


@pytest.fixture(scope="module")
def sn(node, wallet):
    """Registered with a taproot collateral; the operator key lies on this node."""
    name = new_pastelid(node, wallet)
    kept = node.supernode("genkey", "first", name)
    node.restart("-supernode=first")
    holder = Key.from_seed("holder of the collateral")
    collateral = coin(node, wallet, op.COLLATERAL,
                      sc.p2tr(holder.tweaked().xonly))
    fields = {"collateral": collateral, "pastelid": name,
              "operator_key": kept["operator_key"], "payout_address": OWNER.p2tr(OCHRE),
              "endpoint": "203.0.113.7:9933", "storage_fee": 0.5, "sense_fee": "0.02000",
              "inputs": [coin(node, wallet)], **keys(holder)}
    for change, code, text in (
            ({"collateral": {"txid": "11" * 32}}, -8, "collateral"),
            ({"operator_key": "ff"}, -8, "operator_key"),
            ({"endpoint": "example.org:1"}, -8, "endpoint"),
            ({"endpoint": "1.2.3.4"}, -8, "endpoint"),
            ({"storage_fee": -1}, -8, "storage_fee"),
            ({"storage_fee": 0.009}, -26, "ticket-fee-range"),
            ({"passphrase": "wrong"}, -14, "passphrase"),
            ({"privkeys": [OWNER.wif(OCHRE)]}, -5, "collateral_signature"),
            ({"colateral": 1}, -8, "colateral")):
        expect_error(code, text, node.supernode, "register", {**fields, **change})
    dry = node.supernode("register", {**fields, "dry_run": True})
    assert dry["allowed"] and dry["burned"] == 0
    sent = node.supernode("register", fields)
    wallet.generate(2)
    assert node.supernode("status")["supernode"]["sn"] == sent["txid"]
    check_root(node)
    return sent["txid"]


def test_registered(node, sn):
    status = node.supernode("status")
    assert status["status"] == "ENABLED" and status["name"] == "first"
    entry = node.supernode("get", sn)
    assert entry == status["supernode"]
    assert entry["endpoint"] == "203.0.113.7:9933"
    assert OCHRE.units(entry["storage_fee"]) == 50000 and OCHRE.units(entry["sense_fee"]) == 2000
    assert entry["payout_address"] == OWNER.p2tr(OCHRE)
    found = node.tickets("find", "sn-register", entry["pastelid"])
    assert [t["txid"] for t in found] == [sn]
    for name in ("endpoint", "operator_key", "payout_address"):
        assert found == node.tickets("find", "sn-register", entry[name])
    assert node.tickets("get", sn)["ticket"]["endpoint"] == entry["endpoint"]


def test_update(node, wallet, sn):
    """What is not said stays; each new key signs for itself."""
    before = node.supernode("get", sn)
    node.supernode("update", sn, {"endpoint": "[2a01::7]:1234", "sense_fee": 1,
                                  "inputs": [coin(node, wallet)], **keys()})
    wallet.generate(1)
    now = node.supernode("get", sn)
    assert now == {**before, "endpoint": "[2a01::7]:1234", "sense_fee": now["sense_fee"],
                   "last_paid": now["last_paid"]}
    assert OCHRE.units(now["sense_fee"]) == OCHRE.coin
    new = node.supernode("genkey")
    more = {"inputs": [coin(node, wallet)], **keys()}
    expect_error(-5, "operator_privkey", node.supernode, "update", sn,
                 {"operator_key": new["operator_key"], **more})
    expect_error(-5, "collateral_signature", node.supernode, "update", sn,
                 {"payout_address": OWNER.p2pkh(OCHRE), **more})
    node.supernode("update", sn, {"operator_key": new["operator_key"],
                                  "operator_privkey": new["private_key"], **more})
    wallet.generate(1)
    assert node.supernode("status")["status"] == "NOT_REGISTERED"
    assert node.supernode("get", new["operator_key"])["sn"] == sn
    check_root(node)
    expect_error(-5, "supernode list", node.supernode, "update", "11" * 32, more)


def test_revoke(node, wallet, sn):
    assert node.tickets("find", "sn-update", sn)
    node.supernode("revoke", sn, {"inputs": [coin(node, wallet)], **keys()})
    wallet.generate(1)
    expect_error(-5, None, node.supernode, "get", sn)
    assert node.supernode("count")["total"] == 0
    assert node.tickets("find", "sn-revoke", sn)[0]["ticket"]["reason"] == 0
    check_root(node)


# --- paid by a wallet -------------------------------------------------------------------------

def test_life_from_a_wallet(node, wallet):
    """No coins and keys are named: the wallet pays, signs for its collateral, and keeps it."""
    node.createwallet(wallet_name="operator")
    own = node.wallet("operator")
    for value in (op.COLLATERAL, 100 * OCHRE.coin):
        script = bytes.fromhex(own.getaddressinfo(own.getnewaddress())["scriptPubKey"])
        tx, n = wallet.send_to(script, value, confirmed_only=True)
        if value == op.COLLATERAL:
            collateral = {"txid": tx.txid, "vout": n}
    wallet.generate(1)
    name = node.pastelid("newkey", PASS)["pastelid"]
    rate = {"fee_rate": 2, "passphrase": PASS}
    dry = own.tickets("register", "id", {"pastelid": name, "dry_run": True, **rate,
                                         "owner_address": own.getnewaddress()})
    assert dry["allowed"] and own.listtransactions("*", 100)[-1]["category"] == "receive"
    sent = own.tickets("register", "id", {"pastelid": name, **rate,
                                          "owner_address": own.getnewaddress()})
    assert node.getrawmempool() == [sent["txid"]]
    assert own.gettransaction(sent["txid"])["confirmations"] == 0
    wallet.generate(1)
    key = node.supernode("genkey")
    fields = {"collateral": collateral, "pastelid": name, "endpoint": "198.51.100.1:9933",
              "operator_key": key["operator_key"], "operator_privkey": key["private_key"],
              "payout_address": own.getnewaddress(), "storage_fee": 1, "sense_fee": 1, **rate}
    expect_error(-14, "passphrase", own.supernode, "register", {**fields, "passphrase": "x"})
    expect_error(-26, "ticket-fee-range", own.supernode, "register",
                 {**fields, "sense_fee": 0})
    assert node.getrawmempool() == [], "what is refused is not recorded"
    registered = own.supernode("register", fields)["txid"]
    spend = {"address": own.getnewaddress(), "amount": 500, "fee_rate": 2}
    expect_error(-6, None, own.sendtoaddress, **spend)      # pending is enough
    wallet.generate(2)
    expect_error(-6, None, own.sendtoaddress, **spend)
    assert node.supernode("get", registered)["status"] == "ENABLED"
    check_root(node)
    # payments arrive in the wallet
    wallet.generate(1)
    assert own.getbalances()["mine"]["immature"] > 0
    # a new payee wants the owner of the collateral
    other = own.getnewaddress("", "bech32m")
    own.supernode("update", registered, {"payout_address": other, **rate})
    wallet.generate(1)
    assert node.supernode("get", registered)["payout_address"] == other
    own.supernode("revoke", registered, rate)
    wallet.generate(1)
    assert own.sendtoaddress(**spend), "an ordinary coin again"
    assert node.supernode("count")["total"] == 0
    check_root(node)
    expect_error(-6, "Insufficient", own.tickets, "register", "id",
                 {"pastelid": node.pastelid("newkey", PASS)["pastelid"], "burn": 5000,
                  "owner_address": other, **rate})


def test_keys_on_two_computers(node, wallet, module_lab):
    """The server has PastelID and operator key, home the wallet with the collateral; only
    signatures travel (doc/supernode.md)."""
    server = module_lab.node()
    server.connect(node)
    node.createwallet(wallet_name="home")
    home = node.wallet("home")
    coins = []
    for value in (op.COLLATERAL, 50 * OCHRE.coin):
        script = bytes.fromhex(home.getaddressinfo(home.getnewaddress())["scriptPubKey"])
        tx, n = wallet.send_to(script, value, confirmed_only=True)
        coins.append({"txid": tx.txid, "vout": n})
    wallet.generate(1)
    name = server.pastelid("newkey", PASS)["pastelid"]
    owner = home.getnewaddress()
    identity = {"pastelid": name, "owner_address": owner, "inputs": [coins[1]]}
    sync_blocks([node, server])
    made = server.tickets("sign", "id", {**identity, "passphrase": PASS}, "owner")
    home.tickets("register", "id", {**identity, "owner_signature": made[0]["signature"],
                                    "fee_rate": 2})
    wallet.generate(1)
    sync_blocks([node, server])
    kept = server.supernode("genkey", "mine", name)
    server.restart("-supernode=mine")
    server.connect(node)
    coins[1] = next({"txid": u["txid"], "vout": u["vout"]} for u in home.listunspent()
                    if u["amount"] < 100 and u["spendable"])
    fields = {"collateral": coins[0], "pastelid": name, "operator_key": kept["operator_key"],
              "payout_address": owner, "endpoint": "203.0.113.9:1", "storage_fee": 1,
              "sense_fee": 1, "inputs": [coins[1]]}
    for role, field in (("opkey", "operator_key_signature"), ("operator", "operator_signature")):
        made = server.tickets("sign", "sn-register", {**fields, "passphrase": PASS}, role)
        fields[field] = made[0]["signature"]
    sn = home.supernode("register", {**fields, "fee_rate": 2})["txid"]
    wallet.generate(2)
    sync_blocks([node, server])
    status = server.supernode("status")
    assert status["status"] == "ENABLED" and status["supernode"]["sn"] == sn
