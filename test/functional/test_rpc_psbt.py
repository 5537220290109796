"""PSBTs over RPC: every role, bitcoind's vectors, both versions (bitcoind's rpc_psbt)."""
import base64
from decimal import Decimal

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error
from framework.vectors import load

MAGIC = b"psbt\xff"


node = fixtures.node("-txindex", "-fallbackfee=0.0002", "-keypool=10", params=BITCOIN)
wallet = fixtures.rich_wallet("funds", 110)


@pytest.fixture(scope="module")
def vectors():
    return load("rpc_psbt.json")


@pytest.fixture(scope="module")
def other(node):
    return node.new_wallet("other")


def pay(wallet, node, address, amount=1):
    """A confirmed output of this address, which nothing else will spend."""
    txid = wallet.sendtoaddress(address, amount)
    node.generatetoaddress(1, wallet.getnewaddress())
    tx = wallet.gettransaction(txid, True, True)["decoded"]
    vout = next(o["n"] for o in tx["vout"] if o["scriptPubKey"].get("address") == address)
    coin = {"txid": txid, "vout": vout}
    wallet.lockunspent(False, [coin])
    return coin


# Vectors ----------------------------------------------------------------------

def test_invalid(node, vectors):
    for psbt in vectors["invalid"]:
        expect_error(-22, "TX decode failed", node.decodepsbt, psbt)
    for psbt, text in vectors["invalid_with_msg"]:
        expect_error(-22, f"TX decode failed {text}", node.decodepsbt, psbt)
    expect_error(-22, "TX decode failed invalid base64", node.decodepsbt, "nonsense!")


def test_valid(node, vectors):
    for psbt in vectors["valid"]:
        node.decodepsbt(psbt)


def test_creator(node, vectors):
    for v in vectors["creator"]:
        assert node.createpsbt(v["inputs"], v["outputs"], 0, False) == v["result"]


def test_signer(node, vectors):
    for i, v in enumerate(vectors["signer"]):
        w = node.new_wallet(f"signer{i}", blank=True)
        descs = [node.getdescriptorinfo(f"combo({k})") for k in v["privkeys"]]
        result = w.importdescriptors(
            [{"desc": f"combo({k})#{d['checksum']}", "timestamp": "now"}
             for k, d in zip(v["privkeys"], descs)])
        assert all(r["success"] for r in result), result
        assert w.walletprocesspsbt(v["psbt"], True, "ALL")["psbt"] == v["result"]


def test_combiner(node, vectors):
    for v in vectors["combiner"]:
        assert node.combinepsbt(v["combine"]) == v["result"]
    expect_error(-8, "Parameter 'txs' cannot be empty", node.combinepsbt, [])
    first, second = (vectors["combiner"][i]["combine"][0] for i in (0, 1))
    expect_error(-8, "PSBTs not compatible (different transactions)", node.combinepsbt,
                 [first, second])


def test_finalizer_extractor(node, vectors):
    for v in vectors["finalizer"]:
        assert node.finalizepsbt(v["finalize"], False)["psbt"] == v["result"]
    for v in vectors["extractor"]:
        assert node.finalizepsbt(v["extract"], True)["hex"] == v["result"]


# Analysis ---------------------------------------------------------------------

@pytest.mark.parametrize("psbt, error", [
    ("cHNidP8BAHECAAAAAfA00BFgAm6tp86RowwH6BMImQNL5zXUcTT97XoLGz0BAAAAAAD/////AgD5ApUAAAAA"
     "FgAUKNw0x8HRctAgmvoevm4u1SbN7XL87QKVAAAAABYAFPck4gF7iL4NL4wtfRAKgQbghiTUAAAAAAABAR8"
     "AgIFq49AHABYAFJUDtxf2PHo641HEOBOAIvFMNTr2AAAA",
     "PSBT is not valid. Input 0 has invalid value"),
    ("cHNidP8BAHECAAAAAfA00BFgAm6tp86RowwH6BMImQNL5zXUcTT97XoLGz0BAAAAAAD/////AgCAgWrj0AcA"
     "FgAUKNw0x8HRctAgmvoevm4u1SbN7XL87QKVAAAAABYAFPck4gF7iL4NL4wtfRAKgQbghiTUAAAAAAABAR8"
     "A8gUqAQAAABYAFJUDtxf2PHo641HEOBOAIvFMNTr2AAAA",
     "PSBT is not valid. Output amount invalid"),
])
def test_analyze_nonsense(node, psbt, error):
    assert node.analyzepsbt(psbt) == {"next": "creator", "error": error}


def test_analyze_stages(node, wallet):
    address = wallet.getnewaddress()
    coin = pay(wallet, node, address)
    empty = node.createpsbt([coin], [{wallet.getnewaddress(): Decimal("0.999")}])
    assert node.analyzepsbt(empty) == {
        "inputs": [{"has_utxo": False, "is_final": False, "next": "updater"}],
        "next": "updater"}
    bare = node.utxoupdatepsbt(empty)
    key = wallet.getaddressinfo(address)["witness_program"]
    assert node.analyzepsbt(bare)["inputs"][0]["missing"] == {"pubkeys": [key]}
    updated = wallet.walletprocesspsbt(empty, False)["psbt"]
    a = node.analyzepsbt(updated)
    assert a["inputs"][0]["missing"] == {"signatures": [key]}
    assert (a["next"], a["fee"], a["estimated_vsize"]) == ("signer", Decimal("0.001"), 110)
    assert a["estimated_feerate"] == Decimal("0.00909090")
    partly = wallet.walletprocesspsbt(psbt=empty, finalize=False)["psbt"]
    assert node.analyzepsbt(partly)["next"] == "finalizer"
    signed = wallet.walletprocesspsbt(empty)
    a = node.analyzepsbt(signed["psbt"])
    assert a["inputs"] == [{"has_utxo": True, "is_final": True, "next": "extractor"}]
    assert a["estimated_vsize"] == node.decoderawtransaction(signed["hex"])["vsize"]


# Wallet flow ------------------------------------------------------------------

def test_create_sign_send(node, wallet, other):
    made = wallet.walletcreatefundedpsbt([], [{other.getnewaddress(): 3}], 0,
                                         {"fee_rate": 10})
    decoded = node.decodepsbt(made["psbt"])
    assert decoded["fee"] == made["fee"]
    assert decoded["inputs"][0]["bip32_derivs"][0]["path"].startswith("m/84h/1h/0h/")
    signed = wallet.walletprocesspsbt(made["psbt"])
    assert signed["complete"]
    final = node.finalizepsbt(signed["psbt"])
    assert final == {"hex": signed["hex"], "complete": True}
    txid = node.sendrawtransaction(final["hex"])
    node.generatetoaddress(1, wallet.getnewaddress())
    assert wallet.gettransaction(txid)["confirmations"] == 1
    assert other.getbalance() == 3


def test_sighash_field(node, wallet):
    """The caller's hash type must be the one that the PSBT asks for."""
    coin = pay(wallet, node, wallet.getnewaddress())
    psbt = node.createpsbt([coin], [{wallet.getnewaddress(): Decimal("0.999")}])
    psbt = wallet.walletprocesspsbt(psbt, False)["psbt"]
    asked = with_input_record(psbt, b"\x03", (0x83).to_bytes(4, "little"))
    assert node.decodepsbt(asked)["inputs"][0]["sighash"] == "SINGLE|ANYONECANPAY"
    expect_error(-22, "Specified sighash value does not match value stored in PSBT",
                 wallet.walletprocesspsbt, asked)
    expect_error(-8, "'FOO' is not a valid sighash parameter.", wallet.walletprocesspsbt,
                 asked, True, "FOO")
    signed = wallet.walletprocesspsbt(psbt=asked, sighashtype="SINGLE|ANYONECANPAY",
                                      finalize=False)
    sigs = node.decodepsbt(signed["psbt"])["inputs"][0]["partial_signatures"]
    assert [s[-2:] for s in sigs.values()] == ["83"] and not signed["complete"]
    assert node.finalizepsbt(signed["psbt"])["complete"]


def test_hidden_paths(node, wallet):
    made = wallet.walletcreatefundedpsbt([], [{wallet.getnewaddress(): 1}], 0, {}, False)
    decoded = node.decodepsbt(made["psbt"])
    assert not any("bip32_derivs" in m for m in decoded["inputs"] + decoded["outputs"])
    shown = node.decodepsbt(wallet.walletprocesspsbt(made["psbt"], False)["psbt"])
    assert all("bip32_derivs" in m for m in shown["inputs"] + shown["outputs"])


def test_locked_wallet(node, wallet):
    locked = node.new_wallet("locked", passphrase="secret")
    coin = pay(wallet, node, locked.getnewaddress())
    psbt = node.createpsbt([coin], [{locked.getnewaddress(): Decimal("0.99")}])
    expect_error(-13, "Please enter the wallet passphrase with walletpassphrase first",
                 locked.walletprocesspsbt, psbt)
    psbt = locked.walletprocesspsbt(psbt, False)["psbt"]
    assert node.analyzepsbt(psbt)["next"] == "signer"
    locked.walletpassphrase("secret", 100)
    assert locked.walletprocesspsbt(psbt)["complete"]


# Converting, joining, updating ------------------------------------------------

def test_convert(node, wallet):
    coin = pay(wallet, node, wallet.getnewaddress())
    raw = node.createrawtransaction([coin], [{wallet.getnewaddress(): Decimal("0.999")}])
    psbt = node.converttopsbt(raw)
    assert node.decodepsbt(psbt)["tx"] == node.decoderawtransaction(raw)
    signed = wallet.signrawtransactionwithwallet(raw)["hex"]
    expect_error(-22, "Inputs must not have scriptSigs and scriptWitnesses",
                 node.converttopsbt, signed)
    expect_error(-22, "Inputs must not have scriptSigs and scriptWitnesses",
                 node.converttopsbt, signed, False)
    assert node.converttopsbt(signed, True) == psbt
    expect_error(-22, "TX decode failed", node.converttopsbt, "00")
    assert wallet.walletprocesspsbt(psbt)["hex"] == signed


def test_join(node, wallet, other):
    coins = [pay(wallet, node, w.getnewaddress()) for w in (wallet, other)]
    psbts = [node.createpsbt([c], [{w.getnewaddress(): Decimal("0.999")}])
             for c, w in zip(coins, (wallet, other))]
    expect_error(-8, "At least two PSBTs are required to join PSBTs.", node.joinpsbts,
                 psbts[:1])
    expect_error(-8, f"Input {coins[0]['txid']}:{coins[0]['vout']} exists in multiple PSBTs",
                 node.joinpsbts, [psbts[0], psbts[0]])
    psbts = [w.walletprocesspsbt(p, False)["psbt"] for p, w in zip(psbts, (wallet, other))]
    joined = node.joinpsbts(psbts)
    tx = node.decodepsbt(joined)["tx"]
    assert len(tx["vin"]) == len(tx["vout"]) == 2
    for w in (wallet, other):
        joined = w.walletprocesspsbt(joined)["psbt"]
    node.sendrawtransaction(node.finalizepsbt(joined)["hex"])
    orders = {node.joinpsbts(psbts) for _ in range(40)}
    assert len(orders) == 4  # inputs and outputs are shuffled


def test_utxoupdate(node, wallet):
    """Previous transactions come from index and mempool; descriptors tell the rest."""
    kinds = {k: wallet.getnewaddress("", k)
             for k in ("legacy", "p2sh-segwit", "bech32", "bech32m")}
    coins = {k: pay(wallet, node, a) for k, a in kinds.items()}
    psbt = node.createpsbt(list(coins.values()), [{kinds["legacy"]: Decimal("3.99")}])
    inputs = node.decodepsbt(node.utxoupdatepsbt(psbt))["inputs"]
    assert all("non_witness_utxo" in i for i in inputs)
    assert ["witness_utxo" in i for i in inputs] == [False, False, True, True]
    descs = [wallet.getaddressinfo(a)["desc"] for a in kinds.values()]
    decoded = node.decodepsbt(node.utxoupdatepsbt(psbt, descs))
    inputs = decoded["inputs"]
    assert ["witness_utxo" in i for i in inputs] == [False, True, True, True]
    assert inputs[1]["redeem_script"]["type"] == "witness_v0_keyhash"
    assert all("bip32_derivs" in i for i in inputs[:3])
    assert "taproot_bip32_derivs" in inputs[3] and "taproot_internal_key" in inputs[3]
    assert "bip32_derivs" in decoded["outputs"][0]
    expect_error(-5, "", node.utxoupdatepsbt, psbt, ["foo"])


def test_utxoupdate_unconfirmed(node, wallet):
    txid = wallet.sendtoaddress(wallet.getnewaddress(), 1)
    psbt = node.createpsbt([{"txid": txid, "vout": 0}], [{wallet.getnewaddress(): 1}])
    assert "witness_utxo" in node.decodepsbt(node.utxoupdatepsbt(psbt))["inputs"][0]


def private_descriptor(wallet, kind, position):
    """The wallet's own descriptor of a kind, at one position, with its private key."""
    desc = next(d["desc"] for d in wallet.listdescriptors(True)["descriptors"]
                if d["desc"].startswith(kind) and not d["internal"])
    return desc.split("#")[0].replace("/*", f"/{position}")


def test_descriptorprocess(node, wallet):
    address = wallet.getnewaddress()
    coin = pay(wallet, node, address)
    position = int(wallet.getaddressinfo(address)["hdkeypath"].split("/")[-1])
    private = private_descriptor(wallet, "wpkh(", position)
    psbt = node.createpsbt([coin], [{address: Decimal("0.999")}])
    public = wallet.getaddressinfo(address)["desc"]
    done = node.descriptorprocesspsbt(psbt, [public])
    assert not done["complete"] and "hex" not in done
    assert node.analyzepsbt(done["psbt"])["next"] == "signer"
    unfinished = node.descriptorprocesspsbt(psbt=psbt, descriptors=[private],
                                            sighashtype="ALL", bip32derivs=False,
                                            finalize=False)
    decoded = node.decodepsbt(unfinished["psbt"])["inputs"][0]
    assert "partial_signatures" in decoded and "bip32_derivs" not in decoded
    assert not unfinished["complete"]
    done = node.descriptorprocesspsbt(psbt, [private])
    assert done["complete"] and done["psbt"] and not node.testmempoolaccept(
        [done["hex"]])[0].get("reject-reason")
    ranged = {"desc": private.rsplit("/", 1)[0] + "/*)", "range": [position, position]}
    assert node.descriptorprocesspsbt(psbt, [ranged]) == done


# Bytes ------------------------------------------------------------------------

def var(data):
    assert len(data) < 0xfd
    return bytes([len(data)]) + data


def with_input_record(psbt, key, value):
    """Adds a record to the first input of a version 0."""
    raw = base64.b64decode(psbt)
    size = raw[7] if raw[7] < 0xfd else int.from_bytes(raw[8:10], "little")
    end = 7 + (1 if raw[7] < 0xfd else 3) + size + 1
    return base64.b64encode(raw[:end] + var(key) + var(value) + raw[end:]).decode()


def test_foreign_records(node, wallet):
    """What nobody here knows is kept to the last."""
    coin = pay(wallet, node, wallet.getnewaddress())
    psbt = node.createpsbt([coin], [{wallet.getnewaddress(): Decimal("0.999")}])
    psbt = with_input_record(psbt, b"\xf0secret", b"of others")
    psbt = with_input_record(psbt, b"\xfc\x03abc\x07key", b"value")
    for p in (psbt, wallet.walletprocesspsbt(psbt)["psbt"]):
        decoded = node.decodepsbt(p)["inputs"][0]
        assert decoded["unknown"] == {(b"\xf0secret").hex(): b"of others".hex()}
        assert decoded["proprietary"] == [{
            "identifier": b"abc".hex(), "subtype": 7, "key": b"\xfc\x03abc\x07key".hex(),
            "value": b"value".hex()}]


# Version 2 --------------------------------------------------------------------

def test_version_2(node, wallet, other):
    coins = [pay(wallet, node, w.getnewaddress()) for w in (wallet, other)]
    outputs = [{wallet.getnewaddress(): Decimal("1.999")}]
    expect_error(-8, "The PSBT version can only be 0 or 2", node.createpsbt, coins, outputs,
                 0, True, 1)
    old = node.createpsbt(coins, outputs)
    new = node.createpsbt(inputs=coins, outputs=outputs, psbt_version=2)
    decoded = node.decodepsbt(new)
    assert decoded["tx"] == node.decodepsbt(old)["tx"]
    assert (decoded["psbt_version"], decoded["input_count"], decoded["output_count"]) == (
        2, 2, 1)
    assert decoded["inputs_modifiable"] and decoded["outputs_modifiable"]
    assert decoded["inputs"][1]["previous_txid"] == coins[1]["txid"]
    assert decoded["outputs"][0]["amount"] == Decimal("1.999")
    first = wallet.walletprocesspsbt(new)
    assert not first["complete"]
    decoded = node.decodepsbt(first["psbt"])
    assert not decoded["inputs_modifiable"] and not decoded["outputs_modifiable"]
    again = node.decodepsbt(node.combinepsbt([new, first["psbt"]]))
    assert not again["inputs_modifiable"] and not again["outputs_modifiable"]
    second = other.walletprocesspsbt(old)  # versions may meet
    combined = node.combinepsbt([first["psbt"], second["psbt"]])
    assert node.decodepsbt(combined)["psbt_version"] == 2
    assert node.decodepsbt(node.combinepsbt([second["psbt"], first["psbt"]]))[
        "psbt_version"] == 0
    node.sendrawtransaction(node.finalizepsbt(combined)["hex"])
    expect_error(-8, "PSBT 0 does not allow inputs and outputs to be added", node.joinpsbts,
                 [first["psbt"], new])


def test_version_2_funded(node, wallet):
    made = wallet.walletcreatefundedpsbt(outputs=[{wallet.getnewaddress(): 1}], inputs=[],
                                         psbt_version=2)
    decoded = node.decodepsbt(made["psbt"])
    assert (decoded["psbt_version"], decoded["fee"]) == (2, made["fee"])
    expect_error(-8, "The PSBT version can only be 0 or 2", wallet.walletcreatefundedpsbt,
                 [], [{wallet.getnewaddress(): 1}], 0, {}, True, 3)
    assert wallet.walletprocesspsbt(made["psbt"])["complete"]


def test_version_2_flags(node, wallet):
    """What others may still change follows from the hash types that were signed."""
    coin = pay(wallet, node, wallet.getnewaddress())
    psbt = node.createpsbt([coin], [{wallet.getnewaddress(): Decimal("0.9")}], 0, True, 2)
    for kind, inputs, outputs, single in (
            ("ALL", False, False, False), ("NONE", False, True, False),
            ("SINGLE", False, False, True), ("ALL|ANYONECANPAY", True, False, False),
            ("NONE|ANYONECANPAY", True, True, False),
            ("SINGLE|ANYONECANPAY", True, False, True)):
        d = node.decodepsbt(wallet.walletprocesspsbt(psbt, True, kind)["psbt"])
        assert (d["inputs_modifiable"], d["outputs_modifiable"],
                d["has_sighash_single"]) == (inputs, outputs, single), kind
