"""The framework checked against published vectors, before any node runs."""
import csv
import json
import os
import subprocess
import sys

import pytest

from framework import address, hashes, key, messages, script, sighash, state, v2
from framework.codec import Reader
from framework.params import BITCOIN, OCHRE
from framework.disklayer import PowerCut
from framework.preload import build_layer
from framework.primitives import Block, Tx, TxOut
from framework.vectors import load, path


def test_genesis_blocks():
    assert Block.from_bytes(BITCOIN.genesis).hash == (
        "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206")
    block = Block.from_bytes(OCHRE.genesis)
    assert block.meets_target() and block.txs[0].vout[0].script_pubkey == b"\x6a"
    assert block.merkle == block.calc_merkle()


def test_base58_vectors():
    for raw, text in load("base58_encode_decode.json"):
        assert address.base58_encode(bytes.fromhex(raw)) == text
        assert address.base58_decode(text).hex() == raw


def test_key_io_vectors():
    for text, raw, meta in load("key_io_valid.json"):
        if meta["isPrivkey"] or meta["chain"] != "regtest":
            continue
        assert address.to_script(BITCOIN, text).hex() == raw


def test_legacy_sighash_vectors():
    for row in load("sighash.json"):
        if len(row) != 5:
            continue
        raw, code, index, hash_type, expected = row
        got = sighash.legacy(bytes.fromhex(code), Tx.from_hex(raw), index,
                             hash_type & 0xffffffff)
        assert got[::-1].hex() == expected


def test_transaction_vectors_round_trip():
    for row in load("tx_valid.json"):
        if len(row) == 3:
            tx = Tx.from_hex(row[1])
            assert tx.hex() == row[1]


def test_bip340_vectors():
    with open(path("bip340_test_vectors.csv"), encoding="ascii") as f:
        for row in csv.DictReader(f):
            msg, sig = bytes.fromhex(row["message"]), bytes.fromhex(row["signature"])
            if len(msg) != 32:
                continue
            pub = bytes.fromhex(row["public key"])
            assert key.schnorr_verify(pub, sig, msg) == (
                row["verification result"] == "TRUE"), row["index"]
            if row["secret key"]:
                k = key.Key(bytes.fromhex(row["secret key"]))
                assert k.sign_schnorr(msg, bytes.fromhex(row["aux_rand"])) == sig


def _tree(node):
    if node is None:
        return None
    if isinstance(node, dict):
        return (node["id"], bytes.fromhex(node["script"]), node["leafVersion"])
    return [_tree(n) for n in node]


def test_taproot_wallet_vectors():
    vectors = load("bip341_wallet_vectors.json")
    for v in vectors["scriptPubKey"]:
        tap = script.Taproot(bytes.fromhex(v["given"]["internalPubkey"]),
                             _tree(v["given"]["scriptTree"]))
        assert tap.script_pubkey.hex() == v["expected"]["scriptPubKey"]
        blocks = v["expected"].get("scriptPathControlBlocks", [])
        assert [tap.control_block(i).hex() for i in range(len(blocks))] == blocks
    for v in vectors["keyPathSpending"]:
        tx = Tx.from_hex(v["given"]["rawUnsignedTx"])
        spent = [TxOut(o["amountSats"], bytes.fromhex(o["scriptPubKey"]))
                 for o in v["given"]["utxosSpent"]]
        for i in v["inputSpending"]:
            given, inter = i["given"], i["intermediary"]
            digest = sighash.taproot(tx, spent, given["txinIndex"], given["hashType"])
            assert digest.hex() == inter["sigHash"]
            root = given["merkleRoot"]
            k = key.Key(bytes.fromhex(given["internalPrivkey"])).tweaked(
                bytes.fromhex(root) if root else b"")
            assert k.secret.hex() == inter["tweakedPrivkey"]


def test_siphash_vectors():
    rows = json.dumps(load("hash_vectors.json"))
    assert "siphash" in rows.lower()
    k0, k1 = 0x0706050403020100, 0x0f0e0d0c0b0a0908
    assert hashes.siphash(k0, k1, b"") == 0x726fdb47dd0e0e31
    assert hashes.siphash(k0, k1, bytes(range(15))) == 0xa129ca6149be45e5


def test_elligator_swift_vectors():
    with open(path("ellswift_decode_test_vectors.csv"), encoding="ascii") as f:
        for row in csv.DictReader(f):
            assert v2.decode(bytes.fromhex(row["ellswift"])) == int(row["x"], 16)
    with open(path("xswiftec_inv_test_vectors.csv"), encoding="ascii") as f:
        for row in csv.DictReader(f):
            for branch in range(8):
                t = v2.inverse(int(row["x"], 16), int(row["u"], 16), branch)
                assert (f"{t:064x}" if t else "") == row[f"case{branch}_t"]


def test_bip324_vectors():
    for v in load("bip324_packet_vectors.json"):
        def octets(name, v=v):
            return bytes.fromhex(v[name + "_hex"])
        channel = v2.Channel(bytes.fromhex("f9beb4d9"), v["in_initiating"],
                             octets("in_priv_ours"), octets("in_ellswift_ours"))
        channel.agree(octets("in_ellswift_theirs"))
        assert channel.session_id == octets("out_session_id")
        assert channel.terminator == octets("mid_send_garbage")
        assert channel.their_terminator == octets("mid_recv_garbage")
        for _ in range(v["in_idx"]):
            channel.seal(b"")
        packet = channel.seal(octets("in_contents") * v["in_multiply"], octets("in_aad"),
                              v["in_ignore"])
        assert packet.endswith(octets("out_ciphertext") + octets("out_ciphertext_endswith"))


def test_ecdsa_signs_and_verifies():
    k, digest = key.Key.from_seed("a"), bytes(31) + b"\x01"
    assert key.ecdsa_verify(k.pubkey, k.sign_ecdsa(digest), digest)
    # libsecp256k1 refuses a high s, as consensus does not: the policy tests need both
    assert not key.ecdsa_verify(k.pubkey, k.sign_ecdsa(digest, low_s=False), digest)


@pytest.mark.parametrize("cls", sorted(messages.MESSAGES), ids=str)
def test_message_round_trip(cls):
    msg = messages.MESSAGES[cls]()
    again = messages.parse(cls, msg.serialize())
    assert again.serialize() == msg.serialize()


def test_headers_carry_a_zero_count():
    block = Block.from_bytes(BITCOIN.genesis)
    raw = messages.Headers([block.header()]).serialize()
    assert len(raw) == 82 and raw[-1] == 0
    assert Reader(raw).compact_size() == 1


def test_state_tree_follows_the_specification():
    tree = state.EMPTY
    assert state.root(tree) == bytes(32)
    one = state.put(tree, b"k", b"v")
    leaf = hashes.sha3(b"\x00" + hashes.sha3(b"k") + hashes.sha3(b"v"))
    assert state.root(one) == leaf
    two = state.put(one, b"q", b"w")
    assert state.root(state.delete(two, b"q")) == leaf
    assert state.root(state.put(state.put(tree, b"q", b"w"), b"k", b"v")) \
        == state.root(two)
    assert state.root(state.delete(state.delete(two, b"k"), b"q")) == bytes(32)
    many = tree
    for i in range(200):
        many = state.put(many, b"%d" % i, b"x")
    for i in range(1, 200):
        many = state.delete(many, b"%d" % i)
    assert state.root(many) == state.root(state.put(tree, b"0", b"x"))


WRITER = """
import os
fd = os.open("{dir}/f", os.O_RDWR | os.O_CREAT)
os.write(fd, b"synced")
os.fsync(fd)
os.pwrite(fd, b"XX", 0)
os.write(fd, b" and lost")
os.ftruncate(fd, 12)
other = os.open("{dir}/g", os.O_RDWR | os.O_CREAT)
os.write(other, b"kept")
os.fdatasync(other)
os.kill(os.getpid(), 9)
"""


def test_power_cut_layer_takes_back_what_was_not_synced(tmp_path):
    layer = build_layer(str(tmp_path), "disklayer")
    data = tmp_path / "data"
    data.mkdir()

    class Owner:
        dir = str(data)

    class All:
        """Always drops everything."""
        choice = staticmethod(lambda options: options[0])
        randrange = staticmethod(lambda n: 0)
    cut = PowerCut(Owner, layer, str(tmp_path / "journal"))
    done = subprocess.run([sys.executable, "-c", WRITER.format(dir=data)],
                          env=dict(os.environ, **cut.env()), check=False)
    assert done.returncode == -9
    assert (data / "f").read_bytes() == b"XXnced and l"
    assert cut.cut(All) == 3
    assert (data / "f").read_bytes() == b"synced"
    assert (data / "g").read_bytes() == b"kept"


WAITER = """
import queue, select, threading, time
jobs, done = queue.Queue(), queue.Queue()
worker = threading.Thread(target=lambda: [done.put(jobs.get() * 2) for _ in range(50)])
worker.start()
begin = time.monotonic()
for n in range(50):
    jobs.put(n)
    select.poll().poll(0)
print(sum(done.get() for _ in range(50)), time.monotonic() - begin)
"""


def _waits(layer, seed):
    env = {"LD_PRELOAD": layer, "OCHRE_JITTER": str(seed), "OCHRE_JITTER_MS": "40"}
    done = subprocess.run([sys.executable, "-c", WAITER], capture_output=True, text=True,
                          env=dict(os.environ, **env), check=True)
    total, seconds = done.stdout.split()
    return int(total), float(seconds)


def test_late_threads_do_the_same_work_later(tmp_path):
    layer = build_layer(str(tmp_path), "jitter")
    assert _waits(layer, 0)[0] == 50 * 49
    total, seconds = _waits(layer, 1)
    assert total == 50 * 49
    assert seconds > 0.04                # ten sleeps of 20 ms are to be expected
