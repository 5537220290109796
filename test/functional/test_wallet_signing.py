"""Signed messages and raw transactions signed by a wallet (bitcoind's
wallet_signmessagewithaddress and wallet_signrawtransactionwithwallet)."""
from decimal import Decimal

import pytest

from framework import fixtures
from framework.rpc import expect_error

KINDS = ("legacy", "p2sh-segwit", "bech32", "bech32m")
HASH_TYPES = ("ALL", "NONE", "SINGLE", "ALL|ANYONECANPAY", "NONE|ANYONECANPAY",
              "SINGLE|ANYONECANPAY")


node = fixtures.node_of_each("-keypool=10", fallback_fee=20000)
wallet = fixtures.rich_wallet("w", 115)


@pytest.fixture(scope="module")
def coins(node, wallet):
    """A confirmed coin of every kind of address: 10,000,000 units each."""
    value = node.params.amount(10_000_000)
    addresses = {kind: wallet.getnewaddress("", kind) for kind in KINDS}
    wallet.sendmany("", {a: value for a in addresses.values()})
    node.generatetoaddress(1, wallet.getnewaddress())
    by_address = {u["address"]: u for u in wallet.listunspent()}
    coins = {kind: by_address[a] for kind, a in addresses.items()}
    wallet.lockunspent(False, [{"txid": u["txid"], "vout": u["vout"]}
                               for u in coins.values()])
    return coins


def spend(node, wallet, *coins):
    value = sum(c["amount"] for c in coins) - node.params.amount(10_000)
    return node.createrawtransaction(
        [{"txid": c["txid"], "vout": c["vout"]} for c in coins],
        [{wallet.getnewaddress(): value}])


# signmessage ------------------------------------------------------------------

def test_sign_message(node, wallet):
    address, other = (wallet.getnewaddress("", "legacy") for _ in range(2))
    signature = wallet.signmessage(address, "This is just a test message")
    assert node.verifymessage(address, signature, "This is just a test message")
    assert not node.verifymessage(other, signature, "This is just a test message")
    assert not node.verifymessage(address, signature, "This is another test message")


def test_sign_message_errors(node, wallet):
    expect_error(-5, "Invalid address", wallet.signmessage, "nonsense", "m")
    for kind in KINDS[1:]:
        expect_error(-3, "Address does not refer to key", wallet.signmessage,
                     wallet.getnewaddress("", kind), "m")
    foreign = node.new_wallet("foreign").getnewaddress("", "legacy")
    expect_error(-4, "Private key not available", wallet.signmessage, foreign, "m")


def test_locked(node, wallet, coins):
    locked = node.new_wallet("locked", passphrase="secret")
    address = locked.getnewaddress("", "legacy")
    text = "Please enter the wallet passphrase with walletpassphrase first"
    expect_error(-13, text, locked.signmessage, address, "m")
    expect_error(-13, text, locked.signrawtransactionwithwallet,
                 spend(node, wallet, coins["bech32"]))
    locked.walletpassphrase("secret", 100)
    assert node.verifymessage(address, locked.signmessage(address, "m"), "m")


# signrawtransactionwithwallet ---------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hash_type", HASH_TYPES)
def test_sign_each_kind(node, wallet, coins, kind, hash_type):
    raw = spend(node, wallet, coins[kind])
    signed = wallet.signrawtransactionwithwallet(raw, [], hash_type)
    assert signed["complete"] and "errors" not in signed
    assert node.testmempoolaccept([signed["hex"]])[0]["allowed"]
    # Signing again changes nothing.
    assert wallet.signrawtransactionwithwallet(signed["hex"]) == signed


def test_sign_all_kinds_at_once(node, wallet, coins):
    raw = spend(node, wallet, *coins.values())
    signed = wallet.signrawtransactionwithwallet(raw)
    assert signed["complete"]
    assert node.testmempoolaccept([signed["hex"]])[0]["allowed"]


def test_arguments(node, wallet, coins):
    raw = spend(node, wallet, coins["legacy"])
    expect_error(-22, "TX decode failed. Make sure the tx has at least one input.",
                 wallet.signrawtransactionwithwallet, raw + "00")
    expect_error(-8, "'all' is not a valid sighash parameter.",
                 wallet.signrawtransactionwithwallet, raw, [], "all")


def test_foreign_and_unknown_inputs(node, wallet, coins):
    """What cannot be signed is named; the rest is signed all the same."""
    other = node.new_wallet("other")
    wallet.sendtoaddress(other.getnewaddress(), coins["bech32"]["amount"])
    node.generatetoaddress(1, wallet.getnewaddress())
    foreign = other.listunspent()[0]
    unknown = {"txid": "11" * 32, "vout": 7, "amount": Decimal(0)}
    raw = spend(node, wallet, coins["p2sh-segwit"], foreign, unknown)
    signed = wallet.signrawtransactionwithwallet(raw)
    assert not signed["complete"]
    assert [(e["txid"], e["vout"], e["error"]) for e in signed["errors"]] == [
        (foreign["txid"], foreign["vout"], "Witness program hash mismatch"),
        (unknown["txid"], 7, "Input not found or already spent")]
    both = other.signrawtransactionwithwallet(signed["hex"])
    assert [e["vout"] for e in both["errors"]] == [7]


@pytest.mark.parametrize("kind", KINDS[:3])
def test_prevtxs(node, wallet, kind):
    """Of a transaction that no chain knows yet."""
    address = wallet.getnewaddress("", kind)
    info = wallet.getaddressinfo(address)
    prev = {"txid": "22" * 32, "vout": 1, "scriptPubKey": info["scriptPubKey"],
            "amount": Decimal(1)}
    raw = node.createrawtransaction([{"txid": prev["txid"], "vout": 1}], [{address: 1}])
    assert not wallet.signrawtransactionwithwallet(raw)["complete"]
    assert wallet.signrawtransactionwithwallet(raw, [prev])["complete"]
    for name in ("txid", "vout", "scriptPubKey"):
        part = {k: v for k, v in prev.items() if k != name}
        expect_error(-3, f"Missing {name}", wallet.signrawtransactionwithwallet, raw, [part])
    del prev["amount"]
    if kind == "legacy":
        assert wallet.signrawtransactionwithwallet(raw, [prev])["complete"]
    else:
        expect_error(-3, "Missing amount", wallet.signrawtransactionwithwallet, raw, [prev])
