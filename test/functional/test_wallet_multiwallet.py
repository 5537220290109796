"""Many wallets in one node: names, folders, endpoints, start-up, settings.json (bitcoind's
wallet_multiwallet, wallet_startup, wallet_disable and wallet_createwallet)."""
import json
import os
import shutil

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error

NONE_LOADED = "No wallet is loaded. Load a wallet using loadwallet or create a new one with"


node = fixtures.node(params=BITCOIN)


def settings(node):
    with open(node.path("settings.json"), encoding="utf8") as f:
        return json.load(f)


def names(node):
    return [w["name"] for w in node.listwalletdir()["wallets"]]


# --- which wallet a call is for --------------------------------------------------------------

def test_endpoints(lab):
    node = lab.node(params=BITCOIN)
    expect_error(-18, NONE_LOADED, node.getwalletinfo)
    assert node.createwallet("a")["name"] == "a"
    assert node.getwalletinfo()["walletname"] == "a"
    node.createwallet("b/ü c")
    expect_error(-19, "Wallet file not specified", node.getwalletinfo)
    assert node.wallet("b/ü c").getwalletinfo()["walletname"] == "b/ü c"
    expect_error(-18, "Requested wallet does not exist or is not loaded",
                 node.wallet("x").getwalletinfo)
    assert node.listwallets() == ["a", "b/ü c"]
    assert names(node) == ["a", "b/ü c"]
    assert node.wallet("a").getblockcount() == 0   # other calls do not mind


def test_unload(node):
    for name in ("u1", "u2"):
        node.createwallet(name)
    expect_error(-8, "Either the RPC endpoint wallet or the wallet name parameter must be "
                 "provided", node.unloadwallet)
    expect_error(-8, "specify different wallets", node.wallet("u1").unloadwallet, "u2")
    expect_error(-18, "Requested wallet does not exist or is not loaded",
                 node.unloadwallet, "none")
    assert node.wallet("u1").unloadwallet() == {}
    node.unloadwallet("u2")
    expect_error(-18, "does not exist", node.wallet("u1").getwalletinfo)
    node.loadwallet("u1")
    expect_error(-35, 'Wallet "u1" is already loaded.', node.loadwallet, "u1")
    node.unloadwallet("u1")


# --- names and folders -----------------------------------------------------------------------

def test_creating_and_loading(node):
    path = node.path("wallets", "w1")
    node.createwallet("w1")
    assert os.listdir(path).count("wallet.dat") == 1
    expect_error(-4, f"Wallet file verification failed. Failed to create database path "
                 f"'{path}'. Database already exists.", node.createwallet, "w1")
    expect_error(-18, "Wallet file verification failed. Failed to load database path '"
                 f"{node.path('wallets', 'none')}'. Path does not exist.",
                 node.loadwallet, "none")
    os.mkdir(node.path("wallets", "empty"))
    expect_error(-18, "Data is not in recognized format.", node.loadwallet, "empty")
    with open(node.path("wallets", "a file"), "wb") as f:
        f.write(b"no wallet")
    expect_error(-4, "Invalid -wallet path 'a file'", node.createwallet, "a file")
    assert "empty" not in names(node) and "w1" in names(node)


def test_absolute_path(node, tmp_path):
    name = str(tmp_path / "elsewhere")
    node.createwallet(name)
    assert os.path.exists(os.path.join(name, "wallet.dat"))
    assert node.wallet(name).getwalletinfo()["walletname"] == name
    node.unloadwallet(name)
    node.loadwallet(name)
    node.unloadwallet(name)


def test_unnamed(lab):
    node = lab.node(params=BITCOIN)
    node.createwallet("")
    address = node.getnewaddress()
    assert os.path.exists(node.path("wallets", "wallet.dat"))
    assert names(node) == [""]
    node.restart()   # it is loaded without being asked for
    assert node.listwallets() == [""]
    assert node.getaddressinfo(address)["ismine"]


def test_damaged_and_foreign(node, lab):
    node.createwallet("good")
    node.unloadwallet("good")
    good = node.path("wallets", "good", "wallet.dat")
    with open(good, "rb") as f:
        data = bytearray(f.read())

    def plant(name, content):
        os.makedirs(node.path("wallets", name))
        with open(node.path("wallets", name, "wallet.dat"), "wb") as f:
            f.write(content)

    plant("torn", data[:len(data) // 2])
    expect_error(-4, "damaged", node.loadwallet, "torn")
    plant("scribbled", data[:8192] + b"\x55" * 8192 + data[16384:])
    expect_error(-4, "Restore a backup", node.loadwallet, "scribbled")
    plant("text", b"hello" * 1000)
    expect_error(-18, "Data is not in recognized format.", node.loadwallet, "text")
    plant("other network", data[:68] + b"\x0a\x03\xcf\x40" + data[72:])
    expect_error(-4, "is no wallet of this network", node.loadwallet, "other network")
    newer = data[:60] + (99).to_bytes(4, "big") + data[64:]
    plant("newer", newer)
    expect_error(-4, "requires newer version", node.loadwallet, "newer")
    plant("core", data[:60] + bytes(4) + data[64:])
    expect_error(-4, "import its descriptors", node.loadwallet, "core")
    other = lab.node("-walletdir=" + node.path("wallets"), params=BITCOIN)
    node.loadwallet("good")
    expect_error(-4, "Unable to obtain an exclusive lock", other.loadwallet, "good")
    node.unloadwallet("good")
    other.loadwallet("good")


# --- options of createwallet -----------------------------------------------------------------

def test_kinds(node):
    node.createwallet("watching", disable_private_keys=True)
    w = node.wallet("watching")
    info = w.getwalletinfo()
    assert (info["private_keys_enabled"], info["blank"]) == (False, False)
    expect_error(-4, "Error: This wallet has no available keys", w.getnewaddress)
    expect_error(-4, "Error: This wallet has no available keys", w.getrawchangeaddress)
    node.createwallet("empty wallet", blank=True)
    w = node.wallet("empty wallet")
    info = w.getwalletinfo()
    assert (info["private_keys_enabled"], info["blank"]) == (True, True)
    assert info["keypoolsize"] == 0 and w.listdescriptors()["descriptors"] == []
    expect_error(-4, "Error: This wallet has no available keys", w.getnewaddress)
    assert "mnemonic" not in node.createwallet("both", disable_private_keys=True,
                                               blank=True)
    expect_error(-4, "Compiled without bdb support", node.createwallet, "x",
                 descriptors=False)
    expect_error(-4, "Compiled without external signing support", node.createwallet, "x",
                 external_signer=True)
    made = node.createwallet("no pass", passphrase="")
    assert made["warnings"] == ["Empty string given as passphrase, wallet will not be "
                                "encrypted."]
    assert "unlocked_until" not in node.wallet("no pass").getwalletinfo()
    info = node.wallet("no pass").getwalletinfo()
    assert info["format"] == "sqlite" and info["descriptors"] is True


def test_flags(node):
    node.createwallet("flags", avoid_reuse=True)
    w = node.wallet("flags")
    assert w.getwalletinfo()["avoid_reuse"] is True
    assert w.setwalletflag("avoid_reuse", False) == {"flag_name": "avoid_reuse",
                                                     "flag_state": False}
    assert "rescan" in w.setwalletflag("avoid_reuse")["warnings"]
    expect_error(-8, "Wallet flag is already set to true: avoid_reuse", w.setwalletflag,
                 "avoid_reuse", True)
    expect_error(-8, "Unknown wallet flag: abc", w.setwalletflag, "abc")
    expect_error(-8, "Wallet flag is immutable: disable_private_keys", w.setwalletflag,
                 "disable_private_keys")
    node.unloadwallet("flags")
    node.loadwallet("flags")
    assert w.getwalletinfo()["avoid_reuse"] is True


def test_mnemonic(node):
    made = node.createwallet("words")
    words = made["mnemonic"]
    assert len(words.split()) == 24
    a, b = node.wallet("words").getnewaddress(), node.wallet("words").getnewaddress()
    node.generatetoaddress(1, b)
    assert "mnemonic" not in node.createwallet("again", mnemonic=words)
    again = node.wallet("again")
    assert again.getaddressinfo(a)["ismine"]
    assert again.getwalletinfo()["txcount"] == 1   # found in the chain
    assert again.getnewaddress() not in (a, b)
    expect_error(-8, "Invalid mnemonic", node.createwallet, "bad",
                 mnemonic=" ".join(words.split()[:23]))
    expect_error(-8, "A mnemonic makes private keys", node.createwallet, "bad",
                 blank=True, mnemonic=words)
    assert "bad" not in names(node)
    # BIP 39's and BIP 84's own test vector
    vector = "abandon " * 11 + "about"
    node.createwallet("vector", mnemonic=vector)
    desc = [d["desc"] for d in node.wallet("vector").listdescriptors()["descriptors"]
            if d["desc"].startswith("wpkh([73c5da0a/84h/1h/0h]")]
    assert len(desc) == 2


# --- start-up --------------------------------------------------------------------------------

def test_load_on_start(lab):
    node = lab.node(params=BITCOIN)
    node.createwallet("on", load_on_startup=True)
    node.createwallet("off", load_on_startup=False)
    node.createwallet("unset")
    assert settings(node)["wallet"] == ["on"]
    node.restart()
    assert node.listwallets() == ["on"]
    node.loadwallet("unset", True)
    node.unloadwallet("on", False)
    node.restart()
    assert node.listwallets() == ["unset"]
    node.unloadwallet("unset")
    node.restart()
    assert node.listwallets() == ["unset"]
    # a wallet that has gone is passed over
    node.stop()
    shutil.rmtree(node.path("wallets", "unset"))
    node.start("-wallet=on", "-wallet=on")
    assert node.listwallets() == ["on"]
    assert "Ignoring duplicate -wallet on." in node.log()
    node.restart()
    assert node.listwallets() == []
    assert "Skipping -wallet path that doesn't exist." in node.log()
    node.stop()
    with open(node.path("wallets", "on", "wallet.dat"), "r+b") as f:
        f.truncate(10000)
    assert "damaged" in node.fails_to_start("-wallet=on")
    node.start("-nowallet")
    assert node.listwallets() == []


def test_directory(lab, tmp_path):
    node = lab.node(params=BITCOIN, start=False)
    assert node.fails_to_start("-walletdir=wallets").endswith(
        'Error: Specified -walletdir "wallets" does not exist')
    (tmp_path / "f").write_bytes(b"")
    assert "is not a directory" in node.fails_to_start(f"-walletdir={tmp_path / 'f'}")
    node.start(f"-walletdir={tmp_path}")
    node.createwallet("here")
    assert (tmp_path / "here" / "wallet.dat").exists()


def test_bad_options(lab):
    node = lab.node(params=BITCOIN, start=False)
    for arg, said in (("-addresstype=x", "Unknown address type 'x'"),
                      ("-changetype=x", "Unknown change type 'x'"),
                      ("-mintxfee=x", "Invalid amount for -mintxfee=<amount>: 'x'"),
                      ("-fallbackfee=x", "Invalid amount for -fallbackfee=<amount>: 'x'"),
                      ("-paytxfee=-1", "Invalid amount for -paytxfee=<amount>: '-1'")):
        assert said in node.fails_to_start(arg)


def test_disabled(lab):
    node = lab.node("-disablewallet", "-wallet=x", params=BITCOIN)
    for method in ("getwalletinfo", "listwallets", "createwallet"):
        expect_error(-32601, "Method not found", node.call, method, *(
            ["x"] if method == "createwallet" else []))
    assert node.validateaddress("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy")["isvalid"] is False
    node.generatetoaddress(1, "mneYUmWYsuk7kySiURxCi3AGxrAqZxLgPZ")
