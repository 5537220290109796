"""Where a wallet's addresses come from: words, paths, restoring, deriving on demand."""
import dataclasses

import pytest

from framework import fixtures
from framework.address import p2pkh, p2sh, p2tr, p2wpkh, to_script
from framework.hashes import hash160, tagged_hash
from framework.hd import HDKey, checksummed
from framework.key import tweak_add_xonly
from framework.rpc import expect_error

ABANDON = "abandon " * 11 + "about"
PURPOSE = {"legacy": 44, "p2sh-segwit": 49, "bech32": 84, "bech32m": 86}


node = fixtures.node_of_each("-keypool=10")


def address_of(params, kind, pubkey):
    if kind == "legacy":
        return p2pkh(params, pubkey)
    if kind == "bech32":
        return p2wpkh(params, pubkey)
    if kind == "p2sh-segwit":
        return p2sh(params, b"\0\x14" + hash160(pubkey))
    output, _ = tweak_add_xonly(pubkey[1:], tagged_hash("TapTweak", pubkey[1:]))
    return p2tr(params, output)


def coin_type(w):
    """Of the wallet's paths: the second step."""
    desc = w.listdescriptors()["descriptors"][0]["desc"]
    return int(desc.split("/")[2].rstrip("h"))


@pytest.mark.parametrize("kind", PURPOSE)
def test_addresses_follow_the_purpose(node, kind):
    name = f"purpose {kind}"
    w = node.new_wallet(name, mnemonic=ABANDON)
    master = HDKey.from_words(ABANDON)
    for change in (0, 1):
        path = f"{PURPOSE[kind]}h/{coin_type(w)}h/0h/{change}"
        for i in range(3):
            new = w.getrawchangeaddress(kind) if change else w.getnewaddress("", kind)
            assert new == address_of(node.params, kind,
                                     master.derive(f"{path}/{i}").key.pubkey)
            info = w.getaddressinfo(new)
            assert info["hdkeypath"] == f"m/{path}/{i}"
            assert info["hdmasterfingerprint"] == master.fingerprint.hex()
            assert info["ischange"] is bool(change)
    node.unloadwallet(name)


@pytest.mark.parametrize("desc,published", [
    ("pkh({}/44h/0h/0h/0/0)", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"),
    ("sh(wpkh({}/49h/0h/0h/0/0))", "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf"),
    ("wpkh({}/84h/0h/0h/0/0)", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"),
    ("wpkh({}/84h/0h/0h/0/1)", "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"),
    ("wpkh({}/84h/0h/0h/1/0)", "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"),
    ("tr({}/86h/0h/0h/0/0)",
     "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"),
    ("tr({}/86h/0h/0h/1/0)",
     "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"),
])
def test_published_addresses(node, bitcoin, desc, published):
    """BIP 84 and 86, and what other wallets show: "abandon ... about" on the main
    chain. Scripts are the same on every chain."""
    main = dataclasses.replace(bitcoin, hrp="bc", p2pkh=0, p2sh=5)
    desc = desc.format(HDKey.from_words(ABANDON).xprv())
    (address,) = node.deriveaddresses(checksummed(node, desc))
    assert to_script(node.params, address) == to_script(main, published)


def test_new_words_restore_the_wallet(node):
    words = node.createwallet("first")["mnemonic"]
    assert len(words.split()) == 24
    first = node.wallet("first")
    again = node.new_wallet("again", mnemonic=words)
    for kind in PURPOSE:
        assert again.getnewaddress("", kind) == first.getnewaddress("", kind)
    address = first.getnewaddress()
    node.generatetoaddress(1, address)
    restored = node.new_wallet("restored", mnemonic=f"  {words.upper()} ")
    assert restored.getaddressinfo(address)["ismine"]
    assert restored.getwalletinfo()["txcount"] == 1
    for name in ("first", "again", "restored"):
        node.unloadwallet(name)


def test_bad_words(node):
    for bad, message in [
            ("abandon " * 12, "checksum"), ("abandon " * 11, "12, 15, 18, 21 or 24"),
            ("abandon " * 11 + "ochre", "not in the English list")]:
        expect_error(-8, message, node.createwallet, wallet_name="bad", mnemonic=bad)
    assert "bad" not in node.listwallets()


def test_hd_keys(node):
    w = node.new_wallet("keys", mnemonic=ABANDON)
    master = HDKey.from_words(ABANDON)
    (key,) = w.gethdkeys()
    assert key["xpub"] == master.xpub() and key["has_private"]
    assert "xprv" not in key and len(key["descriptors"]) == 8
    assert w.gethdkeys(private=True)[0]["xprv"] == master.xprv()
    (private,) = [d["desc"] for d in w.listdescriptors(True)["descriptors"]
                  if d["desc"].startswith("wpkh(") and not d["internal"]]
    assert private.startswith(
        f"wpkh({master.xprv()}/84h/{coin_type(w)}h/0h/0/*)#")
    account = master.derive(f"84h/{coin_type(w)}h/0h")
    (public,) = [d["desc"] for d in w.listdescriptors()["descriptors"]
                 if d["desc"].startswith("wpkh(") and not d["internal"]]
    assert public.startswith(f"wpkh([{master.fingerprint.hex()}/84h/{coin_type(w)}h/0h]"
                             f"{account.xpub()}/0/*)#")
    node.unloadwallet("keys")


def test_account_keys_watch_what_the_wallet_hands_out(node):
    w = node.new_wallet("spender", mnemonic=ABANDON)
    watch = node.new_wallet("watcher", disable_private_keys=True)
    public = [d for d in w.listdescriptors()["descriptors"]]
    requests = [{"desc": d["desc"], "active": True, "internal": d["internal"],
                 "range": 9, "timestamp": "now"} for d in public]
    assert all(r["success"] for r in watch.importdescriptors(requests))
    for kind in PURPOSE:
        assert watch.getnewaddress("", kind) == w.getnewaddress("", kind)
        assert watch.getrawchangeaddress(kind) == w.getrawchangeaddress(kind)
    expect_error(-4, "", watch.listdescriptors, True)
    node.unloadwallet("spender")
    node.unloadwallet("watcher")


def test_a_locked_wallet_derives_behind_hardened_steps(node):
    """Ranges that end in a hardened star need private keys; what was derived while they
    were there is handed out without them, and after a restart."""
    master = HDKey.from_seed(b"hardened ranges.")
    w = node.new_wallet("locked", blank=True, passphrase="secret words")
    w.walletpassphrase("secret words", 100)
    desc = checksummed(node, f"wpkh({master.xprv()}/5h/*h)")
    assert w.importdescriptors([{"desc": desc, "active": True, "range": 9,
                                 "timestamp": "now"}])[0]["success"]
    w.walletlock()
    want = [p2wpkh(node.params, master.derive(f"5h/{i}h").key.pubkey) for i in range(4)]
    assert [w.getnewaddress("", "bech32") for _ in range(2)] == want[:2]
    node.unloadwallet("locked")
    node.loadwallet("locked")
    assert [w.getnewaddress("", "bech32") for _ in range(2)] == want[2:]
    w.walletpassphrase("secret words", 100)
    private = w.listdescriptors(True)["descriptors"][0]["desc"]
    assert private == desc
    node.unloadwallet("locked")


def test_miniscript_addresses(node):
    """Active wsh() descriptors hand out addresses of miniscripts."""
    one, two = HDKey.from_seed(b"miniscript one.."), HDKey.from_seed(b"miniscript two..")
    text = "wsh(or_d(pk({}/0/*),and_v(v:pkh({}/1/*),older(10))))"
    desc = checksummed(node, text.format(one.xpub(), two.xpub()))
    watch = node.new_wallet("policy", disable_private_keys=True)
    (result,) = watch.importdescriptors([{"desc": desc, "active": True, "range": 5,
                                          "timestamp": "now"}])
    assert result["success"]
    address = watch.getnewaddress("", "bech32")
    assert [address] == node.deriveaddresses(desc, [0, 0])
    info = watch.getaddressinfo(address)
    assert info["ismine"] and info["solvable"]
    assert info["parent_desc"] == desc
    assert "or_d(pk([" in info["desc"]
    node.unloadwallet("policy")
