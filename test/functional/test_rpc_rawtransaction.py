"""Raw transactions: create, decode, sign, combine, fetch, send, decode scripts."""
import pytest

from framework import script as sc, sighash
from framework import fixtures
from framework.address import to_script
from framework.key import Key
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.vectors import load
from framework.wallet import MiniWallet

TXID = "1d1d4e24ed99057e84c3f80fd8fbec79ed9e1acee37da269356ecea000000000"


node = fixtures.node_of_each("-txindex")
wallet = fixtures.mini_wallet(112)


@pytest.fixture(scope="module")
def addr(node):
    return Key.from_seed("raw").p2wpkh(node.params)


# createrawtransaction ---------------------------------------------------------

def test_create_array_arguments(node, addr):
    expect_error(-1, "createrawtransaction", node.createrawtransaction)
    expect_error(-3, "is not of expected type array", node.createrawtransaction, "foo", {})
    expect_error(-3, "is not of expected type object", node.createrawtransaction, ["foo"],
                 {})
    expect_error(-1, "createrawtransaction", node.createrawtransaction, [], {}, 0, False,
                 "foo")


@pytest.mark.parametrize("txin, code, text", [
    ({}, -3, "JSON value of type null is not of expected type string"),
    ({"txid": "foo"}, -8, "txid must be of length 64 (not 3, for 'foo')"),
    ({"txid": "ZZZ7bb8b1697ea987f3b223ba7819250cae33efacb068d23dc24859824a77844"}, -8,
     "txid must be hexadecimal string (not "
     "'ZZZ7bb8b1697ea987f3b223ba7819250cae33efacb068d23dc24859824a77844')"),
    ({"txid": TXID}, -8, "Invalid parameter, missing vout key"),
    ({"txid": TXID, "vout": "foo"}, -8, "Invalid parameter, missing vout key"),
    ({"txid": TXID, "vout": -1}, -8, "Invalid parameter, vout cannot be negative"),
    ({"txid": TXID, "vout": 0, "sequence": -1}, -8,
     "Invalid parameter, sequence number is out of range"),
    ({"txid": TXID, "vout": 0, "sequence": 4294967296}, -8,
     "Invalid parameter, sequence number is out of range"),
])
def test_create_input_errors(node, txin, code, text):
    expect_error(code, text, node.createrawtransaction, [txin], {})


def test_create_output_errors(node, addr):
    def create(outputs, *more):
        return node.createrawtransaction([], outputs, *more)
    expect_error(-3, "is not of expected type", create, "foo")
    expect_error(-8, "Data must be hexadecimal string (not 'foo')", create, {"data": "foo"})
    expect_error(-5, "Invalid Bitcoin address: foo" if node.params.name == "bitcoin"
                 else "address: foo", create, {"foo": 0})
    expect_error(-3, "Invalid amount", create, {addr: "foo"})
    expect_error(-3, "Amount out of range", create, {addr: -1})
    expect_error(-8, f"Invalid parameter, duplicated address: {addr}", create,
                 [{addr: 1}, {addr: 1}])
    expect_error(-8, "Invalid parameter, duplicate key: data", create,
                 [{"data": "aa"}, {"data": "bb"}])
    expect_error(-8, "Invalid parameter, key-value pair must contain exactly one key",
                 create, [{"a": 1, "b": 2}])
    expect_error(-8, "Invalid parameter, key-value pair not an object as expected",
                 create, [["key-value pair1"], ["2"]])
    expect_error(-8, "Invalid parameter, locktime out of range", create, {}, -1)
    expect_error(-8, "Invalid parameter, locktime out of range", create, {}, 4294967296)


def test_create_result(node, addr):
    raw = node.createrawtransaction(
        [{"txid": TXID, "vout": 9}, {"txid": TXID, "vout": 3, "sequence": 5}],
        [{addr: node.params.amount(12345)}, {"data": "99"}], 77)
    tx = Tx.from_hex(raw)
    assert tx.version == 2 and tx.locktime == 77
    assert [(repr(i.prevout), i.sequence) for i in tx.vin] == [
        (f"{TXID}:9", 0xfffffffd), (f"{TXID}:3", 5)]
    assert [(o.value, o.script_pubkey) for o in tx.vout] == [
        (12345, to_script(node.params, addr)), (0, b"\x6a\x01\x99")]


@pytest.mark.parametrize("locktime, replaceable, sequence", [
    (0, True, 0xfffffffd), (0, False, 0xffffffff), (5, True, 0xfffffffd),
    (5, False, 0xfffffffe)])
def test_create_sequences(node, locktime, replaceable, sequence):
    raw = node.createrawtransaction([{"txid": TXID, "vout": 0}], [], locktime, replaceable)
    assert Tx.from_hex(raw).vin[0].sequence == sequence


def test_create_replaceable_contradicts_sequence(node):
    expect_error(-8, "Invalid parameter combination: Sequence number(s) contradict "
                 "replaceable option", node.createrawtransaction,
                 [{"txid": TXID, "vout": 0, "sequence": 0xffffffff}], {}, 0, True)


def test_amounts_have_exact_decimals(node, addr):
    for units in (1, 10, 2 * 10 ** node.params.decimals + 1, 21 * 10 ** 14):
        raw = node.createrawtransaction([{"txid": TXID, "vout": 0}],
                                        {addr: node.params.amount(units)})
        assert Tx.from_hex(raw).vout[0].value == units
    too_fine = "0." + "0" * node.params.decimals + "1"
    expect_error(-3, "Invalid amount", node.createrawtransaction, [], {addr: too_fine})
    expect_error(-3, "Amount out of range", node.createrawtransaction, [],
                 {addr: node.params.amount(21 * 10 ** 14 + 1)})


# decoderawtransaction ---------------------------------------------------------

def test_decode(node, wallet):
    tx = wallet.create(utxos=[wallet.get_utxo(keep=True)], outputs=2)
    got = node.decoderawtransaction(tx.hex())
    assert (got["txid"], got["hash"]) == (tx.txid, tx.wtxid)
    assert (got["size"], got["vsize"], got["weight"]) == (
        len(tx.serialize()), tx.vsize, tx.weight)
    assert got["version"] == 2 and got["locktime"] == 0
    assert got["vin"][0]["txinwitness"] == [w.hex() for w in tx.vin[0].witness]
    assert got["vin"][0]["scriptSig"] == {"asm": "", "hex": ""}
    out = got["vout"][1]
    assert out["n"] == 1 and out["value"] == node.params.amount(tx.vout[1].value)
    assert out["scriptPubKey"]["address"] == wallet.address
    assert out["scriptPubKey"]["type"] == "witness_v1_taproot"
    assert out["scriptPubKey"]["desc"].startswith("rawtr(")


def test_decode_errors(node):
    for bad in ("", "00", "zz", "01000000"):
        expect_error(-22, "TX decode failed", node.decoderawtransaction, bad)


def test_decode_extended_or_legacy(node):
    """A transaction without inputs reads differently with and without witness."""
    raw = Tx([], [TxOut(1, b"\x51")]).hex()
    got = node.decoderawtransaction(raw, False)
    assert got["vin"] == [] and len(got["vout"]) == 1
    expect_error(-22, "TX decode failed", node.decoderawtransaction, raw, True)


def test_version_is_unsigned(node):
    raw = node.createrawtransaction([], [])
    for version, shown in (("00000080", 0x80000000), ("ffffff7f", 0x7fffffff)):
        assert node.decoderawtransaction(version + raw[8:], False)["version"] == shown


# getrawtransaction ------------------------------------------------------------

def test_get(node, wallet):
    tx = wallet.send(confirmed_only=True, fee=700)
    assert node.getrawtransaction(tx.txid) == tx.hex()
    assert node.getrawtransaction(tx.txid, 0) == tx.hex()
    assert node.getrawtransaction(tx.txid, False) == tx.hex()
    pooled = node.getrawtransaction(tx.txid, 1)
    assert pooled["hex"] == tx.hex() and "confirmations" not in pooled
    (block,) = wallet.generate(1)
    one = node.getrawtransaction(tx.txid, True)
    assert one["blockhash"] == block and one["confirmations"] == 1
    assert one["time"] == one["blocktime"] == node.getblockheader(block)["time"]
    two = node.getrawtransaction(tx.txid, 2)
    assert two["fee"] == node.params.amount(700)
    assert two["vin"][0]["prevout"]["generated"] is True
    found = node.getrawtransaction(tx.txid, True, block)
    assert found["in_active_chain"] is True and found["hex"] == tx.hex()
    assert "in_active_chain" not in one


def test_get_errors(node, wallet):
    expect_error(-8, "parameter 1 must be of length 64 (not 3, for 'abc')",
                 node.getrawtransaction, "abc")
    expect_error(-5, "No such mempool or blockchain transaction. Use gettransaction for "
                 "wallet transactions.", node.getrawtransaction, "11" * 32)
    genesis_tx = node.getblock(node.getblockhash(0))["tx"][0]
    expect_error(-5, "The genesis block coinbase is not considered an ordinary "
                 "transaction and cannot be retrieved", node.getrawtransaction, genesis_tx)
    tx = wallet.send(confirmed_only=True)
    block = node.getbestblockhash()
    expect_error(-5, "No such transaction found in the provided block",
                 node.getrawtransaction, tx.txid, True, block)
    expect_error(-5, "Block hash not found", node.getrawtransaction, tx.txid, True,
                 "00" * 32)
    expect_error(-8, "parameter 3 must be of length 64", node.getrawtransaction, tx.txid,
                 True, "foobar")
    expect_error(-3, "not of expected type number", node.getrawtransaction, tx.txid, "Flase")


def test_get_from_an_inactive_block(node, wallet):
    tx = wallet.send(confirmed_only=True)
    (block,) = wallet.generate(1)
    node.invalidateblock(block)
    got = node.getrawtransaction(tx.txid, True, block)
    assert got["in_active_chain"] is False
    node.reconsiderblock(block)
    assert node.getbestblockhash() == block


def test_get_without_an_index(lab, params):
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    tx = wallet.send()
    (block,) = wallet.generate(1)
    expect_error(-5, "No such mempool transaction. Use -txindex or provide a block hash to "
                 "enable blockchain transaction queries. Use gettransaction for wallet "
                 "transactions.", node.getrawtransaction, tx.txid)
    assert node.getrawtransaction(tx.txid, False, block) == tx.hex()


# Signing ----------------------------------------------------------------------

KINDS = ("p2pk", "p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2wsh", "p2sh-p2wsh", "p2sh", "p2tr")


def _lock(kind, key):
    """(scriptPubKey, extra fields of prevtxs) for each kind of output."""
    multi = sc.multisig(1, [key.pubkey])
    nested = sc.p2wpkh(key.pubkey)
    return {
        "p2pk": (sc.p2pk(key.pubkey), {}),
        "p2pkh": (sc.p2pkh(key.pubkey), {}),
        "p2wpkh": (nested, {}),
        "p2sh-p2wpkh": (sc.p2sh(nested), {"redeemScript": nested.hex()}),
        "p2wsh": (sc.p2wsh(multi), {"witnessScript": multi.hex()}),
        "p2sh-p2wsh": (sc.p2sh(sc.p2wsh(multi)), {"redeemScript": sc.p2wsh(multi).hex(),
                                                  "witnessScript": multi.hex()}),
        "p2sh": (sc.p2sh(multi), {"redeemScript": multi.hex()}),
        "p2tr": (sc.p2tr(key.tweaked().xonly), {}),
    }[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_sign_with_key(node, wallet, kind):
    key = Key.from_seed("sign" + kind)
    code, extra = _lock(kind, key)
    parent, n = wallet.send_to(code, 100_000, confirmed_only=True)
    tx = Tx([TxIn(OutPoint(parent.txid, n))], [TxOut(90_000, wallet.script_pubkey)])
    prev = {"txid": parent.txid, "vout": n, "scriptPubKey": code.hex(),
            "amount": node.params.amount(100_000), **extra}
    wif = key.wif(node.params)
    signed = node.signrawtransactionwithkey(tx.hex(), [wif], [prev])
    assert signed["complete"] is True and "errors" not in signed, signed
    node.sendrawtransaction(signed["hex"])
    assert Tx.from_hex(signed["hex"]).txid in node.getrawmempool()
    # without redeem or witness script the signer cannot know
    if extra:
        bare = {k: v for k, v in prev.items() if k not in extra}
        expect_error(-8, "Missing redeemScript/witnessScript",
                     node.signrawtransactionwithkey, tx.hex(), [wif], [bare])
    wallet.scan_tx(Tx.from_hex(signed["hex"]))
    wallet.generate(1)


@pytest.mark.parametrize("hash_type", ["ALL", "NONE", "SINGLE", "ALL|ANYONECANPAY",
                                       "NONE|ANYONECANPAY", "SINGLE|ANYONECANPAY"])
def test_sign_hash_types(node, wallet, hash_type):
    key = Key.from_seed("types")
    code = sc.p2wpkh(key.pubkey)
    parent, n = wallet.send_to(code, 100_000, confirmed_only=True)
    tx = Tx([TxIn(OutPoint(parent.txid, n))], [TxOut(90_000, wallet.script_pubkey)])
    signed = node.signrawtransactionwithkey(tx.hex(), [key.wif(node.params)], None,
                                            hash_type)
    assert signed["complete"] is True
    number = {"ALL": 1, "NONE": 2, "SINGLE": 3}[hash_type.split("|")[0]] | (
        0x80 if "|" in hash_type else 0)
    assert Tx.from_hex(signed["hex"]).vin[0].witness[0][-1] == number
    assert node.testmempoolaccept([signed["hex"]])[0]["allowed"] is True
    node.sendrawtransaction(signed["hex"])
    wallet.scan_tx(Tx.from_hex(signed["hex"]))
    wallet.generate(1)


def test_sign_errors(node, wallet):
    key = Key.from_seed("errors")
    tx = Tx([TxIn(OutPoint("77" * 32, 0))], [TxOut(1, b"\x51")])
    expect_error(-5, "Invalid private key", node.signrawtransactionwithkey, tx.hex(),
                 ["foo"])
    expect_error(-22, "TX decode failed. Make sure the tx has at least one input.",
                 node.signrawtransactionwithkey, tx.hex() + "00", [key.wif(node.params)])
    expect_error(-8, "'all' is not a valid sighash parameter.",
                 node.signrawtransactionwithkey, tx.hex(), [key.wif(node.params)], None,
                 "all")
    expect_error(-3, "Missing amount", node.signrawtransactionwithkey, Tx(
        [TxIn(OutPoint("78" * 32, 0))], [TxOut(1, b"\x51")]).hex(), [key.wif(node.params)],
        [{"txid": "78" * 32, "vout": 0, "scriptPubKey": sc.p2wpkh(key.pubkey).hex()}])
    missing = node.signrawtransactionwithkey(tx.hex(), [key.wif(node.params)])
    assert missing["complete"] is False
    (error,) = missing["errors"]
    assert error["txid"] == "77" * 32 and error["vout"] == 0
    assert error["error"] == "Input not found or already spent"


def test_combine(node, wallet):
    keys = [Key.from_seed(f"combine{i}") for i in range(2)]
    multi = sc.multisig(2, [k.pubkey for k in keys])
    code = sc.p2wsh(multi)
    parent, n = wallet.send_to(code, 100_000, confirmed_only=True)
    tx = Tx([TxIn(OutPoint(parent.txid, n))], [TxOut(90_000, wallet.script_pubkey)])
    prev = [{"txid": parent.txid, "vout": n, "scriptPubKey": code.hex(),
             "witnessScript": multi.hex(), "amount": node.params.amount(100_000)}]
    halves = []
    for k in keys:
        half = node.signrawtransactionwithkey(tx.hex(), [k.wif(node.params)], prev)
        assert half["complete"] is False
        halves.append(half["hex"])
    whole = node.combinerawtransaction(halves)
    assert node.testmempoolaccept([whole])[0]["allowed"] is True
    expect_error(-22, "TX decode failed for tx 0. Make sure the tx has at least one input.",
                 node.combinerawtransaction, [whole + "00"])
    expect_error(-22, "Missing transactions", node.combinerawtransaction, [])
    node.sendrawtransaction(whole)
    expect_error(-25, "Input not found or already spent", node.combinerawtransaction, [
        Tx([TxIn(OutPoint("79" * 32, 0))], [TxOut(1, b"\x51")]).hex()])
    wallet.rescan()
    wallet.generate(1)


# sendrawtransaction -----------------------------------------------------------

def test_send_errors(node, wallet):
    expect_error(-22, "TX decode failed. Make sure the tx has at least one input.",
                 node.sendrawtransaction, "zz")
    tx = Tx([TxIn(OutPoint(TXID, 0))], [TxOut(1000, wallet.script_pubkey)])
    expect_error(-25, "bad-txns-inputs-missingorspent", node.sendrawtransaction, tx.hex())


def test_send_signed_by_the_framework(node, wallet):
    """Every signature algorithm of the framework agrees with the node's."""
    key = Key.from_seed("framework")
    code = {"pkh": sc.p2pkh(key.pubkey), "wpkh": sc.p2wpkh(key.pubkey),
            "pk": sc.p2pk(key.pubkey), "tr": sc.p2tr(key.tweaked().xonly)}
    parent = wallet.create(confirmed_only=True, fee=2000, extra_outputs=[
        TxOut(20_000, c) for c in code.values()])
    wallet.broadcast(parent)
    spent = parent.vout[1:]
    tx = Tx([TxIn(OutPoint(parent.txid, i + 1)) for i in range(4)],
            [TxOut(70_000, wallet.script_pubkey)])
    sighash.sign_p2pkh(tx, 0, key)
    sighash.sign_p2wpkh(tx, 1, key, 20_000)
    sighash.sign_p2pk(tx, 2, key, code["pk"])
    sighash.sign_taproot_key(tx, 3, key, spent)
    assert node.sendrawtransaction(tx.hex()) == tx.txid
    wallet.scan_tx(tx)
    wallet.generate(1)


# decodescript -----------------------------------------------------------------

def test_decodescript_vectors(lab, bitcoin):
    node = lab.node(params=bitcoin)
    for raw, expected in load("rpc_decodescript.json"):
        got = node.decodescript(raw)
        assert got == expected, raw


def test_decodescript_basics(node):
    key = Key.from_seed("decode")
    got = node.decodescript(sc.p2pkh(key.pubkey).hex())
    assert got["type"] == "pubkeyhash" and got["address"] == key.p2pkh(node.params)
    assert got["asm"] == ("OP_DUP OP_HASH160 " + sc.hash160(key.pubkey).hex()
                          + " OP_EQUALVERIFY OP_CHECKSIG")
    assert "p2sh" in got and got["segwit"]["type"] == "witness_v0_keyhash"
    multi = sc.multisig(2, [Key.from_seed(str(i)).pubkey for i in range(3)])
    got = node.decodescript(multi.hex())
    assert got["type"] == "multisig" and got["segwit"]["type"] == "witness_v0_scripthash"
    assert node.decodescript("6a0548656c6c6f")["type"] == "nulldata"
    assert "p2sh" not in node.decodescript("6a0548656c6c6f")
    assert node.decodescript("")["type"] == "nonstandard"
    expect_error(-8, "argument must be hexadecimal string (not 'zz')", node.decodescript,
                 "zz")
