"""Passphrases: what is locked, what a wrong one gets, and that nothing secret stays in
memory or in the file (bitcoind's wallet_encryption, and more)."""
import re

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error
from framework.util import wait_until

PASS = "an unlikely passphrase 5309"
OTHER = "quite another one 8675"
LOCKED = "Please enter the wallet passphrase with walletpassphrase first"


node = fixtures.node(params=BITCOIN)


def encrypted(node, name):
    node.createwallet(name, passphrase=PASS)
    return node.wallet(name)


def test_states(node):
    node.createwallet("states")
    w = node.wallet("states")
    assert "unlocked_until" not in w.getwalletinfo()
    for method, args in (("walletpassphrase", ["x", 1]), ("walletlock", []),
                         ("walletpassphrasechange", ["x", "y"])):
        expect_error(-15, "Error: running with an unencrypted wallet, but "
                     f"{method} was called.", w.call, method, *args)
    expect_error(-8, "passphrase cannot be empty", w.encryptwallet, "")
    address = w.getnewaddress()
    before = w.getaddressinfo(address)["hdmasterfingerprint"]
    said = w.encryptwallet(PASS)
    assert said.startswith(
        "wallet encrypted; The keypool has been flushed and a new HD seed was generated. "
        "You need to make a new backup with the backupwallet RPC.")
    assert len(re.findall(r"[a-z]+", said.rsplit(":", 1)[1])) == 24
    after = w.getaddressinfo(w.getnewaddress())["hdmasterfingerprint"]
    assert before != after
    assert w.getwalletinfo()["unlocked_until"] == 0
    expect_error(-15, "Error: running with an encrypted wallet, but encryptwallet was "
                 "called.", w.encryptwallet, PASS)
    assert w.getaddressinfo(address)["ismine"]


def test_passphrase(node):
    w = encrypted(node, "phrase")
    expect_error(-13, LOCKED, w.listdescriptors, True)
    expect_error(-14, "Error: The wallet passphrase entered was incorrect.",
                 w.walletpassphrase, OTHER, 10)
    expect_error(-8, "passphrase cannot be empty", w.walletpassphrase, "", 10)
    expect_error(-8, "Timeout cannot be negative.", w.walletpassphrase, PASS, -10)
    w.walletpassphrase(PASS, 84000)
    assert "prv" in w.listdescriptors(True)["descriptors"][0]["desc"]
    expect_error(-14, "incorrect", w.walletpassphrase, OTHER, 10)
    w.listdescriptors(True)   # a wrong one locks nothing
    w.walletlock()
    expect_error(-13, LOCKED, w.listdescriptors, True)
    w.walletpassphrase(PASS, 1)
    wait_until(lambda: w.getwalletinfo()["unlocked_until"] == 0)
    expect_error(-13, LOCKED, w.listdescriptors, True)


def test_timeout_follows_the_clock(node):
    w = encrypted(node, "clock")
    node.set_time(1_800_000_000)
    w.walletpassphrase(PASS, 100)
    assert w.getwalletinfo()["unlocked_until"] == 1_800_000_100
    w.walletpassphrase(PASS, 100_000_001)
    assert w.getwalletinfo()["unlocked_until"] == 1_900_000_000
    node.setmocktime(0)


def test_change(node):
    w = encrypted(node, "change")
    expect_error(-14, "incorrect", w.walletpassphrasechange, OTHER, PASS)
    for old, new in (("", OTHER), (PASS, "")):
        expect_error(-8, "passphrase cannot be empty", w.walletpassphrasechange, old, new)
    w.walletpassphrasechange(PASS, OTHER)
    expect_error(-14, "incorrect", w.walletpassphrase, PASS, 10)
    w.walletpassphrase(OTHER, 10)
    assert w.getwalletinfo()["unlocked_until"] > 0


def test_null_characters(node):
    with_nul = "Phrase\0With\0Nulls"
    node.createwallet("nul", passphrase=with_nul)
    w = node.wallet("nul")
    expect_error(-14, "Error: The wallet passphrase entered was incorrect.",
                 w.walletpassphrase, "Phrase", 10)
    expect_error(-14, "It contains a null character", w.walletpassphrase,
                 with_nul + "\0", 10)
    w.walletpassphrase(with_nul, 10)


def test_nothing_to_encrypt(node):
    node.createwallet("watch", disable_private_keys=True)
    expect_error(-16, "Error: wallet does not contain private keys, nothing to encrypt.",
                 node.wallet("watch").encryptwallet, PASS)
    expect_error(-4, "Passphrase provided but private keys are disabled.",
                 node.createwallet, "watch2", disable_private_keys=True, passphrase=PASS)
    assert "watch2" not in node.listwallets()


def test_locked_after_reload(node):
    w = encrypted(node, "reload")
    w.walletpassphrase(PASS, 1000)
    address = w.getnewaddress()
    node.unloadwallet("reload")
    node.loadwallet("reload")
    assert w.getwalletinfo()["unlocked_until"] == 0
    assert w.getaddressinfo(address)["ismine"]
    w.getnewaddress()   # public keys are enough
    expect_error(-13, LOCKED, w.listdescriptors, True)


def test_blank_wallet(node):
    node.createwallet("blank", blank=True)
    w = node.wallet("blank")
    said = w.encryptwallet(PASS)
    assert "words" not in said and w.listdescriptors()["descriptors"] == []
    w.walletpassphrase(PASS, 10)
    key = node.wallet("states").listdescriptors()["descriptors"][0]["desc"]
    assert w.importdescriptors([{"desc": key, "timestamp": "now"}])[0]["success"] is False


# --- nothing stays behind --------------------------------------------------------------------

def memory_holds(pid, needles):
    """Which of the needles stand in the memory of a process."""
    found = set()
    longest = max(len(n) for n in needles)
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            span, rights, rest = line.split(maxsplit=2)
            if "r" not in rights or "[v" in rest:
                continue
            at, end = (int(x, 16) for x in span.split("-"))
            tail = b""
            while at < end:
                try:
                    mem.seek(at)
                    piece = mem.read(min(1 << 22, end - at))
                except OSError:
                    break
                if not piece:
                    break
                found |= {n for n in needles if n in tail + piece}
                tail = piece[-longest:]
                at += len(piece)
    return found


def b58decode(text):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    value = 0
    for c in text:
        value = value * 58 + alphabet.index(c)
    return value.to_bytes(82, "big")


def secrets_of(w):
    """The master key as text and as bytes."""
    desc = w.listdescriptors(True)["descriptors"][0]["desc"]
    xprv = re.search(r"[tx]prv\w+", desc).group()
    return [xprv.encode(), b58decode(xprv)[46:78]]


def test_memory_after_lock(lab):
    node = lab.node(params=BITCOIN)
    words = node.createwallet("mem")["mnemonic"].encode()
    w = node.wallet("mem")
    old = secrets_of(w)
    assert memory_holds(node.process.pid, [b"wallet.dat"])   # the search works
    new_words = w.encryptwallet(PASS).rsplit(": ", 1)[1].encode()
    w.walletpassphrase(PASS, 1000)
    secrets = [PASS.encode(), words, new_words, *old, *secrets_of(w)]
    address = w.getnewaddress()
    node.generatetoaddress(101, address)
    w.walletlock()
    w.getwalletinfo()
    assert memory_holds(node.process.pid, secrets) == set()
    with open(node.path("wallets", "mem", "wallet.dat"), "rb") as f:
        data = f.read()
    assert not [s for s in secrets if s in data]
    assert not [s for s in secrets if s in node.log().encode()]


def test_memory_after_import_and_spend(lab):
    """Keys that came over RPC, and those derived from them to sign."""
    node = lab.node(params=BITCOIN)
    xprv = ("tprv8ZgxMBicQKsPeuVhWwi6wuMQGfPKi9Li5GtX35jVNknACgqe3CY4g5xgkfDDJcmtF7o1QnxWD"
            "RYw4H5P26PXq7sbcUkEqeR4fg3Kxp2tigg")
    w = encrypted(node, "imp")
    w.walletpassphrase(PASS, 1000)
    reqs = []
    for desc in (f"wpkh({xprv}/84h/1h/*h)", f"tr({xprv}/86h/*)"):
        desc += "#" + node.getdescriptorinfo(desc)["checksum"]
        reqs.append({"desc": desc, "timestamp": "now", "range": [0, 20], "active": True})
    assert all(r["success"] for r in w.importdescriptors(reqs))
    address = w.getnewaddress()
    node.generatetoaddress(101, address)
    assert w.sendall([address], fee_rate=5)["complete"]
    w.walletpassphrasechange(PASS, OTHER)
    w.walletlock()
    w.getwalletinfo()
    secrets = [PASS.encode(), OTHER.encode(), xprv.encode(), b58decode(xprv)[46:78]]
    assert memory_holds(node.process.pid, secrets) == set()


def test_no_core_dumps(node):
    with open(f"/proc/{node.process.pid}/limits", encoding="ascii") as f:
        core = next(line for line in f if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    with open(f"/proc/{node.process.pid}/smaps", encoding="ascii") as f:
        maps = f.read()
    locked = [m for m in re.findall(r"VmFlags: (.*)", maps) if " dd" in m and " dc" in m]
    assert locked, "no memory is kept out of dumps and forks"


def test_locked_memory_refused(lab):
    """Without the right to lock memory the node warns, and runs."""
    node = lab.node(params=BITCOIN, start=False)
    command = node.command
    node.command = lambda extra=(): ["/usr/bin/setpriv", "--bounding-set=-ipc_lock",
                                     "--inh-caps=-ipc_lock", "/bin/sh", "-c",
                                     'ulimit -l 0; exec "$@"', "sh", *command(extra)]
    node.start()
    assert "could not be locked" in node.log() and "LimitMEMLOCK" in node.log()
    node.createwallet("w", passphrase=PASS)
    node.wallet("w").walletpassphrase(PASS, 10)
