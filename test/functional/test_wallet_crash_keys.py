"""SIGKILL while wallets are made, encrypted, filled and imported into: what was confirmed
is there, and what was not is there as a whole or not at all. OCHRE_LONG=1 makes it long."""
import os
import random
import threading
import time

import pytest

from framework.params import BITCOIN
from framework.rpc import RPCError, expect_error
from framework.util import LONG

ROUNDS = 100 if LONG else 6
PASS = "crash test passphrase"
XPUB = ("tpubD6NzVbkrYhZ4YNXVQbNhMK1WqguFsUXceaVJKbmno2aZ3B6QfbMeraaYvnBSGpV3vxLyTTK9DYT1yoE"
        "ck4XUScMzXoQ2U2oSmE2JyMedq3H")


@pytest.fixture
def node(lab):
    return lab.node("-keypool=20", params=BITCOIN)


def killed_during(node, rng, longest, action):
    """Runs action in a thread and kills the node after a random time; returns whether
    the action had been confirmed by then."""
    confirmed = []

    def run():
        try:
            confirmed.append(action())
        except (OSError, RPCError, ValueError):
            pass   # the connection broke

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(rng.uniform(0, longest))
    node.kill()
    thread.join()
    return confirmed


def timed(action):
    """How long the action takes when nobody disturbs it."""
    start = time.monotonic()
    action()
    return 1.3 * (time.monotonic() - start)


def test_createwallet(node):
    rng = random.Random(1)
    longest = timed(lambda: node.createwallet("warm up"))
    for i in range(ROUNDS):
        name = f"w{i}"
        words = killed_during(node, rng, longest, lambda n=name: node.createwallet(n))
        node.start()
        try:
            node.loadwallet(name)
            assert len(node.wallet(name).listdescriptors(True)["descriptors"]) == 8
        except RPCError as e:
            assert not words, "a confirmed wallet was lost"
            assert e.code in (-4, -18), e
            words = [node.createwallet(name)]
        first = node.wallet(name).getnewaddress()
        if words:
            again = f"again {i}"
            node.createwallet(again, mnemonic=words[0]["mnemonic"])
            assert node.wallet(again).getaddressinfo(first)["ismine"]


def master_keys(w):
    return {k["xprv"] for k in w.gethdkeys(private=True)}


def test_encryptwallet(node):
    rng = random.Random(2)
    node.createwallet("warm up")
    longest = timed(lambda: node.wallet("warm up").encryptwallet(PASS))
    for i in range(ROUNDS):
        name = f"w{i}"
        node.createwallet(name)
        w = node.wallet(name)
        keys, address = master_keys(w), w.getnewaddress()
        done = killed_during(node, rng, longest, lambda w=w: w.encryptwallet(PASS))
        node.start()
        node.loadwallet(name)
        w = node.wallet(name)
        sealed = "unlocked_until" in w.getwalletinfo()
        assert sealed or not done, "a confirmed encryption was lost"
        if sealed:
            expect_error(-13, None, w.gethdkeys, private=True)
            w.walletpassphrase(PASS, 100)
            assert keys < master_keys(w)
        else:
            assert keys == master_keys(w)
        assert w.getaddressinfo(address)["ismine"]
        node.unloadwallet(name)
        if sealed:
            with open(node.path("wallets", name, "wallet.dat"), "rb") as f:
                data = f.read()
            assert not [k for k in keys if raw_key(k) in data], "a plain key was left"


def raw_key(xprv):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    value = 0
    for c in xprv:
        value = value * 58 + alphabet.index(c)
    return value.to_bytes(82, "big")[46:78]


def test_importdescriptors(node):
    """All descriptors of one call, or none."""
    rng = random.Random(3)
    node.createwallet("w", disable_private_keys=True)
    w = node.wallet("w")

    def request(i):
        reqs = []
        for j in range(4):
            desc = f"wpkh({XPUB}/{i}/{j}/*)"
            desc += "#" + node.getdescriptorinfo(desc)["checksum"]
            reqs.append({"desc": desc, "timestamp": "now", "range": [0, 300]})
        return reqs

    longest = timed(lambda: w.importdescriptors(request(1000)))
    known = 4
    for i in range(ROUNDS):
        reqs = request(i)
        done = killed_during(node, rng, longest, lambda r=reqs: w.importdescriptors(r))
        node.start()
        node.loadwallet("w")
        now = len(w.listdescriptors()["descriptors"])
        assert now in (known, known + 4) and (now > known or not done)
        if now > known:
            last = node.deriveaddresses(reqs[3]["desc"], [300, 300])[0]
            assert w.getaddressinfo(last)["ismine"]
        known = now


def test_addresses(node):
    """An address that was handed out is never handed out again."""
    rng = random.Random(4)
    node.createwallet("w")
    w = node.wallet("w")
    given = []

    def take():
        while True:
            given.append(w.getnewaddress("mine"))

    for _ in range(ROUNDS):
        killed_during(node, rng, 0.1, take)
        node.start()
        node.loadwallet("w")
        assert len(set(given)) == len(given)
        assert set(given) <= set(w.getaddressesbylabel("mine")) if given else True


def test_passphrase_change(node):
    rng = random.Random(5)
    node.createwallet("w", passphrase="0")
    w = node.wallet("w")
    w.walletpassphrase("0", 100)
    keys = master_keys(w)
    longest, now = timed(lambda: w.walletpassphrase("0", 100)) * 2, 0
    for _ in range(ROUNDS):
        done = killed_during(node, rng, longest, lambda: w.walletpassphrasechange(
            str(now), str(now + 1)) or True)
        node.start()
        node.loadwallet("w")
        try:
            w.walletpassphrase(str(now + 1), 100)
            now += 1
        except RPCError as e:
            assert e.code == -14 and not done
            w.walletpassphrase(str(now), 100)
        assert master_keys(w) == keys
    assert os.path.exists(node.path("wallets", "w", "wallet.dat"))
