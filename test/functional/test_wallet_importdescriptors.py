"""importdescriptors and listdescriptors: rules, updates, ranges, time stamps and the search
of the chain (bitcoind's wallet_importdescriptors and wallet_listdescriptors)."""
import pytest

from framework.key import Key
from framework.params import BITCOIN
from framework.rpc import expect_error

XPRV = ("tprv8ZgxMBicQKsPeuVhWwi6wuMQGfPKi9Li5GtX35jVNknACgqe3CY4g5xgkfDDJcmtF7o1QnxWDRYw4H5"
        "P26PXq7sbcUkEqeR4fg3Kxp2tigg")
XPUB = ("tpubD6NzVbkrYhZ4YNXVQbNhMK1WqguFsUXceaVJKbmno2aZ3B6QfbMeraaYvnBSGpV3vxLyTTK9DYT1yoE"
        "ck4XUScMzXoQ2U2oSmE2JyMedq3H")
UNRANGED = "Range should not be specified for an un-ranged descriptor"


@pytest.fixture(scope="module")
def node(module_lab):
    node = module_lab.node("-keypool=5", params=BITCOIN)
    node.createwallet("watch", disable_private_keys=True)
    node.createwallet("private", blank=True)
    node.createwallet("miner")
    node.generatetoaddress(101, node.wallet("miner").getnewaddress())
    return node


@pytest.fixture(scope="module")
def watch(node):
    return node.wallet("watch")


@pytest.fixture(scope="module")
def private(node):
    return node.wallet("private")


def with_sum(node, desc):
    return desc + "#" + node.getdescriptorinfo(desc)["checksum"]


def imported(node, w, desc, warnings=(), **fields):
    """The import must succeed with exactly these warnings."""
    fields.setdefault("timestamp", "now")
    got = w.importdescriptors([{"desc": with_sum(node, desc), **fields}])
    assert got[0]["success"] is True, got
    assert got[0].get("warnings", []) == list(warnings)


def refused(node, w, code, message, desc, **fields):
    fields.setdefault("timestamp", "now")
    got = w.importdescriptors([{"desc": with_sum(node, desc), **fields}])
    assert got[0]["success"] is False
    assert got[0]["error"]["code"] == code and message in got[0]["error"]["message"], got


def listed(w, start):
    return [d for d in w.listdescriptors()["descriptors"] if d["desc"].startswith(start)]


# --- what is refused -------------------------------------------------------------------------

def test_bad_requests(node, watch):
    key = Key.from_seed("a").pubkey.hex()
    desc = with_sum(node, f"pkh({key})")
    expect_error(-3, "Missing required timestamp field for key", watch.importdescriptors,
                 [{"desc": desc}])
    expect_error(-3, 'Expected number or "now" timestamp value for key. got type string',
                 watch.importdescriptors, [{"desc": desc, "timestamp": "then"}])
    expect_error(-3, None, watch.importdescriptors, [{"desc": 1, "timestamp": "now"}])
    got = watch.importdescriptors([{"desc": f"pkh({key})", "timestamp": "now"}])
    assert got[0]["error"] == {"code": -5, "message": "Missing checksum"}
    got = watch.importdescriptors([{"desc": f"pkh({key})#qqqqqqqq", "timestamp": "now"}])
    assert got[0]["error"]["code"] == -5
    for absent in ({}, {"desc": None}):
        got = watch.importdescriptors([{"timestamp": "now", **absent}])
        assert got[0]["error"] == {"code": -8, "message": "Descriptor not found."}
    assert listed(watch, "pkh") == []


RULES = [   # code, message, descriptor, fields
    (-8, UNRANGED, "pkh({key})", {"range": [0, 100]}),
    (-8, "Active descriptors must be ranged", "pkh({key})", {"active": True}),
    (-8, "Internal addresses should not have a label", "pkh({key})",
     {"internal": True, "label": "x"}),
    (-8, "Ranged descriptors should not have a label", "wpkh({xpub}/0/*)",
     {"range": [0, 2], "label": "x"}),
    (-11, "Invalid label name", "pkh({key})", {"label": "*"}),
    (-4, "Combo descriptors cannot be set to active", "combo({xpub}/*)",
     {"active": True, "range": 1}),
    (-8, "Range is too large", "wpkh({xpub}/*)", {"range": [0, 1000001]}),
    (-8, "End of range is too high", "wpkh({xpub}/*)", {"range": [0, 2 ** 31 + 1]}),
    (-8, "Range should be greater or equal than 0", "wpkh({xpub}/*)", {"range": [-1, 10]}),
    (-8, "must not have begin after end", "wpkh({xpub}/*)", {"range": [2, 1]}),
    (-8, "Range must be specified as end or as [begin,end]", "wpkh({xpub}/*)",
     {"range": [1]}),
    (-8, "next_index is out of range", "wpkh({xpub}/*)", {"range": [0, 4],
                                                          "next_index": 5}),
    (-4, "Cannot expand descriptor. Probably because of hardened derivations without "
     "private keys available", "wpkh({xpub}/1h/*)", {"range": [0, 1]}),
    (-4, "Cannot import private keys to a wallet with private keys disabled",
     "wpkh({xprv}/*)", {"range": [0, 1]}),
    (-5, "Cannot have multipath descriptor while also specifying 'internal'",
     "wpkh({xpub}/<0;1>/*)", {"range": [0, 1], "internal": True}),
    (-8, "Multipath descriptors should not have a label", "wpkh({xpub}/<0;1>)",
     {"label": "x"}),
]


@pytest.mark.parametrize("code,message,desc,fields", RULES)
def test_rule(node, watch, code, message, desc, fields):
    desc = desc.format(key=Key.from_seed("a").pubkey.hex(), xpub=XPUB, xprv=XPRV)
    before = watch.listdescriptors()
    refused(node, watch, code, message, desc, **fields)
    assert watch.listdescriptors() == before


def test_private_keys_enabled(node, private):
    refused(node, private, -4, "Cannot import descriptor without private keys to a wallet "
            "with private keys enabled", f"wpkh({XPUB}/7/*)", range=[0, 1])
    other = Key.from_seed("other").pubkey.hex()
    imported(node, private, f"wsh(multi(2,{XPRV}/9,{other}))",
             ["Not all private keys provided. Some wallet functionality may return "
              "unexpected errors"])


# --- what is added ---------------------------------------------------------------------------

def test_single_key_with_label(node, watch):
    key = Key.from_seed("single").pubkey.hex()
    imported(node, watch, f"pkh({key})", label="Descriptor import test")
    address = node.deriveaddresses(with_sum(node, f"pkh({key})"))[0]
    info = watch.getaddressinfo(address)
    assert info["ismine"] and info["labels"] == ["Descriptor import test"]
    assert info["ischange"] is False
    imported(node, watch, f"pkh({key})", label="Updated label")
    assert watch.getaddressinfo(address)["labels"] == ["Updated label"]
    assert len(listed(watch, "pkh")) == 1
    key = Key.from_seed("internal").pubkey.hex()
    imported(node, watch, f"pkh({key})", internal=True)
    address = node.deriveaddresses(with_sum(node, f"pkh({key})"))[0]
    assert watch.getaddressinfo(address)["ischange"] is True


def test_nested_and_scripts(node, watch):
    keys = [Key.from_seed(f"multi {i}").pubkey.hex() for i in range(3)]
    desc = f"sh(multi(2,{keys[0]},{keys[1]},{keys[2]}))"
    imported(node, watch, desc)
    info = watch.getaddressinfo(node.deriveaddresses(with_sum(node, desc))[0])
    assert (info["script"], info["sigsrequired"]) == ("multisig", 2)
    assert info["pubkeys"] == keys and info["solvable"]
    address = node.wallet("miner").getnewaddress()
    imported(node, watch, f"addr({address})")
    info = watch.getaddressinfo(address)
    assert info["ismine"] is True and info["solvable"] is False
    imported(node, watch, f"combo({keys[0]})")
    imported(node, watch, f"wsh(and_v(v:pk({keys[0]}),older(10)))")


def test_activity(node, watch):
    desc = f"wpkh({XPUB}/84/0/*)"
    imported(node, watch, desc, ["Range not given, using default keypool range"])
    expect_error(-4, "Error: This wallet has no available keys", watch.getnewaddress)
    imported(node, watch, desc, active=True, range=[0, 4])
    first = watch.getnewaddress()
    assert first == node.deriveaddresses(with_sum(node, desc), [0, 0])[0]
    expect_error(-4, "Error: This wallet has no available keys",
                 watch.getrawchangeaddress)
    imported(node, watch, f"wpkh({XPUB}/84/1/*)", active=True, internal=True, range=[0, 4])
    assert watch.getaddressinfo(watch.getrawchangeaddress())["ischange"]
    # another one takes over, and inactive is inactive again
    imported(node, watch, f"wpkh({XPUB}/85/0/*)", active=True, range=4)
    assert [d["active"] for d in listed(watch, "wpkh")].count(True) == 2
    imported(node, watch, f"wpkh({XPUB}/85/0/*)", active=False, range=4)
    expect_error(-4, "Error: This wallet has no available keys", watch.getnewaddress)


def test_next_index_and_ranges(node, watch):
    desc = f"sh(wpkh({XPUB}/49/*))"
    imported(node, watch, desc, range=[10, 20], next_index=12, active=True)
    got = listed(watch, "sh(wpkh")[0]
    assert (got["range"], got["next_index"], got["next"]) == ([10, 20], 12, 12)
    assert watch.getnewaddress("", "p2sh-segwit") == node.deriveaddresses(
        with_sum(node, desc), [12, 12])[0]
    refused(node, watch, -8, "new range must include current range = [10,20]", desc,
            range=[11, 30])
    refused(node, watch, -8, "new range must include current range = [10,20]", desc,
            range=[0, 15])
    imported(node, watch, desc, range=[5, 40], next_index=30, active=True)
    got = listed(watch, "sh(wpkh")[0]
    assert (got["range"], got["next_index"]) == ([5, 40], 30)
    for pos, mine in ((4, False), (5, True), (40, True), (41, False)):
        address = node.deriveaddresses(with_sum(node, desc), [pos, pos])[0]
        assert watch.getaddressinfo(address)["ismine"] is mine, pos
    node.unloadwallet("watch")
    node.loadwallet("watch")
    assert listed(watch, "sh(wpkh")[0] == got
    assert watch.getaddressinfo(node.deriveaddresses(with_sum(node, desc), [5, 5])[0])[
        "ismine"]


def test_key_pool_behind_import(node, watch):
    """The pool begins at next_index, whatever the range says."""
    imported(node, watch, f"tr({XPUB}/86/*)", range=[0, 2])
    assert listed(watch, "tr")[0]["range"] == [0, 4]


def test_multipath(node, watch):
    imported(node, watch, f"pkh({XPUB}/44/<0;1>/*)", active=True, range=[0, 3])
    assert watch.getnewaddress("", "legacy") == node.deriveaddresses(
        with_sum(node, f"pkh({XPUB}/44/0/*)"), [0, 0])[0]
    assert watch.getrawchangeaddress("legacy") == node.deriveaddresses(
        with_sum(node, f"pkh({XPUB}/44/1/*)"), [0, 0])[0]


def test_many_paths(node, private):
    """A warning that is true of every path is given once."""
    other = Key.from_seed("other").pubkey.hex()
    imported(node, private, f"wsh(multi(2,{XPRV}/<0;1;2;3;4;5>/*,{other}))",
             ["Not all private keys provided. Some wallet functionality may return "
              "unexpected errors"], range=[0, 1])
    assert len(listed(private, f"wsh(multi(2,{XPUB}/")) == 7


def test_hardened_range(node):
    node.createwallet("hardened", blank=True)
    private = node.wallet("hardened")
    imported(node, private, f"wpkh({XPRV}/84h/1h/*h)", range=[0, 9], active=True)
    got = listed(private, f"wpkh({XPUB}/84h/1h/*h)")
    address = private.getnewaddress()
    assert private.getaddressinfo(address)["hdkeypath"] == "m/84h/1h/0h"
    assert len(got) == 1
    with_keys = private.listdescriptors(True)["descriptors"]
    assert f"wpkh({XPRV}/84h/1h/*h)" in [d["desc"].split("#")[0] for d in with_keys]


def test_private_listing(node, watch):
    expect_error(-4, "Can't get descriptor string.", watch.listdescriptors, True)


def test_several_at_once(node):
    node.createwallet("several", disable_private_keys=True)
    w = node.wallet("several")
    got = w.importdescriptors(
        [{"desc": with_sum(node, f"wpkh({XPUB}/{i}/*)"), "timestamp": "now",
          "range": [0, 9]} for i in range(20)]
        + [{"desc": "nonsense", "timestamp": "now"}])
    assert [g["success"] for g in got] == [True] * 20 + [False]
    assert len(w.listdescriptors()["descriptors"]) == 20
    node.unloadwallet("several")
    node.loadwallet("several")
    for i in (0, 19):
        address = node.deriveaddresses(with_sum(node, f"wpkh({XPUB}/{i}/*)"), [9, 9])[0]
        assert w.getaddressinfo(address)["ismine"]


# --- the search ------------------------------------------------------------------------------

def test_timestamps(node):
    miner = node.wallet("miner")
    start = node.getblockheader(node.getbestblockhash())["time"]
    key = Key.from_seed("timed")
    desc = with_sum(node, f"wpkh({key.pubkey.hex()})")
    address = node.deriveaddresses(desc)[0]
    node.set_time(start + 10)
    node.generatetoaddress(1, address)
    for i in range(12):   # far behind it
        node.set_time(start + 100_000 + 10 * i)
        node.generatetoaddress(1, miner.getnewaddress())
    node.createwallet("timed", disable_private_keys=True)
    w = node.wallet("timed")
    assert w.importdescriptors([{"desc": desc, "timestamp": "now"}])[0]["success"]
    assert w.getwalletinfo()["txcount"] == 0
    assert w.importdescriptors([{"desc": desc, "timestamp": start}])[0]["success"]
    assert w.getwalletinfo()["txcount"] == 1
    assert w.getwalletinfo()["birthtime"] <= start
    assert w.listdescriptors()["descriptors"][0]["timestamp"] == start
    node.setmocktime(0)


def test_locked_wallet(node):
    node.createwallet("locked", blank=True, passphrase="pass")
    w = node.wallet("locked")
    expect_error(-13, "walletpassphrase", w.importdescriptors,
                 [{"desc": with_sum(node, f"wpkh({XPRV}/*)"), "timestamp": "now"}])
    w.walletpassphrase("pass", 100)
    text = with_sum(node, f"wpkh({XPRV}/*)")
    assert w.importdescriptors([{"desc": text, "timestamp": "now", "range": 3,
                                 "active": True}])[0]["success"]
    w.walletlock()
    assert w.getaddressinfo(w.getnewaddress())["ismine"]
    with open(node.path("wallets", "locked", "wallet.dat"), "rb") as f:
        assert XPRV.encode() not in f.read()


def test_null_counts_as_absent(node, watch):
    """Members that are null are left to their defaults."""
    key = Key.from_seed("null").pubkey.hex()
    imported(node, watch, f"pkh({key})", label=None, active=None, range=None,
             next_index=None, internal=None)
    address = node.deriveaddresses(with_sum(node, f"pkh({key})"))[0]
    assert watch.getaddressinfo(address)["labels"] == [""]
