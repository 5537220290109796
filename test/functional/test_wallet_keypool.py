"""Addresses and what stands behind them: key pool, types, derivation, getaddressinfo
(bitcoind's wallet_keypool, wallet_hd, wallet_address_types and wallet_descriptor)."""
import re

import pytest

from framework import fixtures
from framework.params import BITCOIN, OCHRE
from framework.rpc import expect_error

KINDS = {   # type: (purpose, start of the descriptor, start of the address)
    "legacy": (44, "pkh(", ("m", "n")),
    "p2sh-segwit": (49, "sh(wpkh(", ("2",)),
    "bech32": (84, "wpkh(", ("bcrt1q",)),
    "bech32m": (86, "tr(", ("bcrt1p",)),
}


node = fixtures.node("-keypool=3", params=BITCOIN)


def new_wallet(node, name, **options):
    node.createwallet(name, **options)
    return node.wallet(name)


# --- kinds of addresses ----------------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", (0, 1))
def test_kind(node, kind, change):
    w = node.wallet("kinds") if "kinds" in node.listwallets() else new_wallet(node, "kinds")
    purpose, start, prefixes = KINDS[kind]
    address = w.getrawchangeaddress(kind) if change else w.getnewaddress("", kind)
    assert address.startswith(prefixes)
    info = w.getaddressinfo(address)
    assert info["ismine"] and info["solvable"] and not info["iswatchonly"]
    assert info["ischange"] is bool(change)
    path = f"m/{purpose}h/1h/0h/{change}/"
    assert re.fullmatch(re.escape(path) + r"\d+", info["hdkeypath"])
    assert info["hdseedid"] == "00" * 20
    assert info["desc"].startswith(start)
    assert info["parent_desc"].startswith(
        f"{start}[{info['hdmasterfingerprint']}/{purpose}h/1h/0h]tpub")
    assert node.deriveaddresses(info["desc"]) == [address]
    assert info["parent_desc"] in [d["desc"] for d in w.listdescriptors()["descriptors"]]
    if kind == "p2sh-segwit":
        assert info["script"] == "witness_v0_keyhash"
        assert info["embedded"]["pubkey"] == info["pubkey"]
        assert info["embedded"]["iswitness"]
    elif kind == "legacy":
        assert info["iscompressed"] is True
    else:
        assert info["iswitness"] is True and "embedded" not in info


def test_default_types(lab):
    node = lab.node("-addresstype=p2sh-segwit", "-changetype=bech32m", params=BITCOIN)
    w = new_wallet(node, "w")
    assert w.getnewaddress().startswith("2")
    assert w.getrawchangeaddress().startswith("bcrt1p")
    expect_error(-5, "Unknown address type ''", w.getnewaddress, "", "")
    expect_error(-5, "Unknown address type 'bech23'", w.getnewaddress, "", "bech23")
    expect_error(-5, "Unknown address type 'x'", w.getrawchangeaddress, "x")


def test_ochre_coin_type(lab):
    node = lab.node(params=OCHRE)
    w = new_wallet(node, "w")
    info = w.getaddressinfo(w.getnewaddress())
    assert re.fullmatch(r"m/84h/\d+h/0h/0/0", info["hdkeypath"])


def test_foreign_address(node):
    w = node.wallet("kinds")
    other = new_wallet(node, "other").getnewaddress()
    info = w.getaddressinfo(other)
    assert (info["ismine"], info["solvable"], info["ischange"]) == (False, False, False)
    assert info["labels"] == [] and "desc" not in info and "hdkeypath" not in info
    expect_error(-5, None, w.getaddressinfo, "nonsense")
    expect_error(-5, None, w.getaddressinfo, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")


# --- the key pool ----------------------------------------------------------------------------

def sizes(w):
    info = w.getwalletinfo()
    return info["keypoolsize"], info["keypoolsize_hd_internal"]


def test_pool(node):
    w = new_wallet(node, "pool")
    assert sizes(w) == (12, 12)
    seen = [w.getnewaddress() for _ in range(5)]
    assert len(set(seen)) == 5 and sizes(w) == (11, 12)
    w.keypoolrefill()
    assert sizes(w) == (12, 12)
    w.keypoolrefill(6)
    assert sizes(w) == (24, 24)
    expect_error(-8, "Invalid parameter, expected valid size.", w.keypoolrefill, -1)
    w.getrawchangeaddress()
    assert sizes(w) == (24, 23)


def test_locked_wallet_goes_on(node):
    """Behind the account's key no private key is needed."""
    w = new_wallet(node, "locked", passphrase="test")
    assert len({w.getnewaddress() for _ in range(10)}) == 10
    expect_error(-13, "walletpassphrase", w.keypoolrefill, 10)
    w.walletpassphrase("test", 100)
    w.keypoolrefill(10)
    assert sizes(w) == (40, 40)


def test_hardened_pool_runs_out(node):
    """Where each address needs the private key a locked wallet comes to an end."""
    w = new_wallet(node, "hard", blank=True, passphrase="test")
    w.walletpassphrase("test", 100)
    key = ("tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5"
           "MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK")
    reqs = []
    for i, internal in enumerate((False, True)):
        desc = node.getdescriptorinfo(f"wpkh({key}/0h/{i}h/*h)")
        text = f"wpkh({key}/0h/{i}h/*h)#{desc['checksum']}"
        reqs.append({"desc": text, "timestamp": "now", "range": [0, 0], "active": True,
                     "internal": internal})
    assert all(r["success"] for r in w.importdescriptors(reqs))
    w.walletlock()
    for _ in range(3):
        w.getnewaddress()
    expect_error(-12, "Error: Keypool ran out, please call keypoolrefill first",
                 w.getnewaddress)
    for _ in range(3):
        w.getrawchangeaddress()
    expect_error(-12, "Keypool ran out", w.getrawchangeaddress)
    expect_error(-12, "Error: No legacy addresses available.", w.getnewaddress, "",
                 "legacy")
    w.walletpassphrase("test", 100)
    w.keypoolrefill(6)
    w.walletlock()
    assert len({w.getnewaddress() for _ in range(6)}) == 6
    expect_error(-12, "Keypool ran out", w.getnewaddress)
    # what is known stays known, although it cannot be derived again
    node.unloadwallet("hard")
    node.loadwallet("hard")
    expect_error(-12, "Keypool ran out", w.getnewaddress)
    assert len(w.getaddressesbylabel("")) == 9


def test_used_addresses_move_it_on(node):
    """Two copies of a wallet: what one hands out the other sees in the chain."""
    w = new_wallet(node, "copy a")
    w.backupwallet(node.path("copy.bak"))
    node.restorewallet("copy b", node.path("copy.bak"))
    twin = node.wallet("copy b")
    far = [w.getnewaddress() for _ in range(3)][-1]
    node.generatetoaddress(1, far)
    assert twin.getwalletinfo()["txcount"] == 1
    assert twin.getaddressinfo(far)["labels"] == [""]
    assert sizes(twin)[0] in (11, 12)
    nexts = [d["next_index"] for d in twin.listdescriptors()["descriptors"]
             if d["desc"].startswith("wpkh") and not d["internal"]]
    assert nexts == [3]


def test_gap_limit(node):
    """Beyond the pool nothing is seen until the pool gets there."""
    w = new_wallet(node, "gap a")
    w.backupwallet(node.path("gap.bak"))
    node.restorewallet("gap b", node.path("gap.bak"))
    twin = node.wallet("gap b")
    addresses = [w.getnewaddress() for _ in range(7)]
    node.generatetoaddress(1, addresses[6])
    assert twin.getwalletinfo()["txcount"] == 0
    node.generatetoaddress(1, addresses[2])
    node.generatetoaddress(1, addresses[5])
    assert twin.getwalletinfo()["txcount"] == 2


# --- extended keys ---------------------------------------------------------------------------

def test_gethdkeys(node):
    w = new_wallet(node, "hd", passphrase="pass")
    keys = w.gethdkeys()
    assert len(keys) == 1 and keys[0]["has_private"] is True and "xprv" not in keys[0]
    assert len(keys[0]["descriptors"]) == 8
    assert all(d["active"] for d in keys[0]["descriptors"])
    expect_error(-13, "walletpassphrase", w.gethdkeys, {"private": True})
    w.walletpassphrase("pass", 100)
    xprv = w.gethdkeys(private=True)[0]["xprv"]
    text = f"wpkh({xprv}/0)"
    public = node.getdescriptorinfo(text)["descriptor"]
    assert keys[0]["xpub"] in public
    # a descriptor that hands out nothing
    other = "tprv8ZgxMBicQKsPeuVhWwi6wuMQGfPKi9Li5GtX35jVNknACgqe3CY4g5xgkfDDJcmtF7o1QnxWD" \
            "RYw4H5P26PXq7sbcUkEqeR4fg3Kxp2tigg"
    text = f"wpkh({other}/5)"
    text += "#" + node.getdescriptorinfo(text)["checksum"]
    assert w.importdescriptors([{"desc": text, "timestamp": "now"}])[0]["success"]
    assert len(w.gethdkeys()) == 2 and len(w.gethdkeys(active_only=True)) == 1
    quiet = [k for k in w.gethdkeys() if len(k["descriptors"]) == 1]
    assert quiet[0]["descriptors"][0]["active"] is False
    assert new_wallet(node, "none", blank=True).gethdkeys() == []


def test_createwalletdescriptor(node):
    source = new_wallet(node, "source")
    key = source.gethdkeys(private=True)[0]
    expect_error(-4, "Descriptor already exists", source.createwalletdescriptor, "bech32m")
    expect_error(-5, "Unknown address type 'x'", source.createwalletdescriptor, "x")
    w = new_wallet(node, "single", blank=True)
    expect_error(-4, "Unable to determine which HD key to use from active descriptors. "
                 "Please specify with 'hdkey'", w.createwalletdescriptor, "bech32")
    expect_error(-5, "Unable to parse HD key. Please provide a valid xpub",
                 w.createwalletdescriptor, "bech32", hdkey=key["xprv"])
    expect_error(-4, "is not known", w.createwalletdescriptor, "bech32", hdkey=key["xpub"])
    text = f"wpkh({key['xprv']}/84h/1h/0h/0/*)"
    text += "#" + node.getdescriptorinfo(text)["checksum"]
    assert w.importdescriptors([{"desc": text, "timestamp": "now", "active": True}])[0][
        "success"]
    assert w.getwalletinfo()["blank"] is False
    made = w.createwalletdescriptor("bech32m")["descs"]
    assert len(made) == 2 and all(d.startswith("tr([") for d in made)
    assert w.getnewaddress("", "bech32m") == source.getnewaddress("", "bech32m")
    assert len(w.createwalletdescriptor("legacy", internal=True)["descs"]) == 1
    expect_error(-12, "Error: No legacy addresses available.", w.getnewaddress, "",
                 "legacy")
    assert len(w.createwalletdescriptor("legacy")["descs"]) == 1


# --- labels ----------------------------------------------------------------------------------

def test_labels(node):
    w = new_wallet(node, "labels")
    a, b = w.getnewaddress("tabby"), w.getnewaddress("tabby", "legacy")
    c = w.getnewaddress()
    assert w.getaddressesbylabel("tabby") == {a: {"purpose": "receive"},
                                              b: {"purpose": "receive"}}
    assert w.listlabels() == ["", "tabby"]
    w.setlabel(b, "spotty")
    assert w.listlabels() == ["", "spotty", "tabby"]
    assert w.getaddressinfo(b)["labels"] == ["spotty"]
    foreign = new_wallet(node, "labels b").getnewaddress()
    w.setlabel(foreign, "payee")
    assert w.getaddressesbylabel("payee") == {foreign: {"purpose": "send"}}
    assert w.listlabels("send") == ["payee"] and "payee" not in w.listlabels("receive")
    assert w.getaddressinfo(w.getrawchangeaddress())["labels"] == []
    expect_error(-11, "Invalid label name", w.getnewaddress, "*")
    expect_error(-11, "Invalid label name", w.setlabel, a, "*")
    expect_error(-11, "No addresses with label nothing", w.getaddressesbylabel, "nothing")
    expect_error(-5, "Invalid Bitcoin address", w.setlabel, "nonsense", "x")
    expect_error(-8, "Invalid 'purpose' argument", w.listlabels, "x")
    node.unloadwallet("labels")
    node.loadwallet("labels")
    assert w.listlabels() == ["", "payee", "spotty", "tabby"]
    assert c in w.getaddressesbylabel("")
