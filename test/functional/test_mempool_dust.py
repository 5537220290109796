"""Dust: the least that an output of each kind may carry; pay-to-anchor outputs."""
import pytest

from framework import fixtures, script as sc
from framework.key import Key
from framework.packages import clear_pool, submit_ok, trial
from framework.primitives import OutPoint, TxIn, TxOut
from framework.rpc import expect_error
from framework.wallet import MiniWallet

node = fixtures.node_of_each("-permitbaremultisig=1")
P2A = bytes.fromhex("51024e73")
KEY = Key.from_seed("dust")
OPEN = Key(KEY.secret, compressed=False)

# script, least value at the default 3000 per kvB
KINDS = {
    "p2pk": (sc.p2pk(KEY.pubkey), 576),
    "p2pk uncompressed": (sc.p2pk(OPEN.pubkey), 672),
    "p2pkh": (sc.p2pkh(KEY.pubkey), 546),
    "p2sh": (sc.p2sh(b"\x51"), 540),
    "p2wpkh": (sc.p2wpkh(KEY.pubkey), 294),
    "p2wsh": (sc.p2wsh(b"\x51"), 330),
    "p2tr": (sc.p2tr(KEY.xonly), 330),
    "anchor": (P2A, 240),
    "largest future program": (b"\x60\x28" + bytes(40), 354),
    "multisig of one": (sc.multisig(1, [OPEN.pubkey]), 678),
    "multisig of three": (sc.multisig(2, [KEY.pubkey] * 3), 786),
    "data": (b"\x6a\x04dust", 0),
}


@pytest.fixture(scope="module")
def bank(node):
    wallet = MiniWallet(node)
    wallet.generate(110)
    return wallet


@pytest.fixture
def wallet(bank):
    yield bank
    clear_pool(bank, 1000)


def paying(wallet, script, value):
    return wallet.create(utxos=[wallet.get_utxo(confirmed_only=True, keep=True)],
                         fee=1_000, extra_outputs=[TxOut(value, script)])


def check_all(node, wallet, rate):
    for name, (script, least) in KINDS.items():
        least = -(-least * rate // 3_000)
        assert trial(node, [paying(wallet, script, least)])[0].get("allowed"), name
        if least:
            (result,) = trial(node, [paying(wallet, script, least - 1)])
            assert result.get("reject-reason") == "dust", name


def test_thresholds(node, wallet):
    check_all(node, wallet, 3_000)


@pytest.mark.parametrize("rate", [0, 1, 2_345, 10_000])
def test_other_rates(node, wallet, rate):
    node.restart(f"-dustrelayfee={node.params.amount(rate)}")
    if rate == 1:     # any fraction counts as one unit
        for name, (script, least) in KINDS.items():
            allowed = trial(node, [paying(wallet, script, 0)])[0].get("allowed")
            assert allowed == (least == 0), name
    else:
        check_all(node, wallet, rate)
    node.restart()


# Pay to anchor ----------------------------------------------------------------

def anchored(wallet, value=1_000):
    tx = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)], fee=1_000,
                       extra_outputs=[TxOut(value, P2A)])
    wallet.broadcast(tx)
    return tx


def spend(wallet, parent, **kwargs):
    """Spends the anchor and one of our coins."""
    coin = wallet.get_utxo(confirmed_only=True, keep=True)
    tx = wallet.create(utxos=[coin], fee=500)
    tx.vin.append(TxIn(OutPoint(parent.txid, len(parent.vout) - 1), **kwargs))
    return tx


def test_how_anchors_are_shown(node, wallet):
    shown = node.decodescript(P2A.hex())
    assert shown["type"] == "anchor" and shown["asm"] == "1 29518"
    assert "segwit" not in shown and "p2sh" not in shown
    address = shown["address"]
    if node.params.name == "bitcoin":
        assert address == "bcrt1pfeesnyr2tx"
    valid = node.validateaddress(address)
    assert valid["isvalid"] and valid["scriptPubKey"] == P2A.hex()
    assert valid["iswitness"] and valid["isscript"]
    tx = anchored(wallet)
    out = node.gettxout(tx.txid, 1)["scriptPubKey"]
    assert out["type"] == "anchor" and out["address"] == address
    assert node.getrawtransaction(tx.txid, 1)["vout"][1]["scriptPubKey"]["type"] == "anchor"
    raw = node.createrawtransaction([], {address: node.params.amount(1_000)})
    (made,) = node.decoderawtransaction(raw, False)["vout"]
    assert made["scriptPubKey"]["hex"] == P2A.hex()


def test_anchors_are_spent_by_nothing(node, wallet):
    """No witness and no script: anyone may, and nobody can stuff it."""
    parent = anchored(wallet)
    stuffed = spend(wallet, parent, witness=[b"\x01"])
    expect_error(-26, "bad-witness-nonstandard", node.sendrawtransaction, stuffed.hex(), 0)
    scripted = spend(wallet, parent, script_sig=b"\x51")
    expect_error(-26, "mandatory-script-verify-flag-failed (Witness requires empty "
                 "scriptSig)", node.sendrawtransaction, scripted.hex(), 0)
    clean = spend(wallet, parent)
    assert node.sendrawtransaction(clean.hex(), 0) == clean.txid
    wallet.generate(1)
    # by consensus a witness may stand there
    parent = anchored(wallet)
    wallet.generate(1)
    stuffed = spend(wallet, parent, witness=[b"\x01"])
    node.generateblock("raw(51)", [stuffed.hex()])
    assert node.gettxout(parent.txid, 1) is None


def test_anchors_let_anyone_pay(node, wallet):
    """What they are for: a parent that pays nothing, with a child by somebody else."""
    parent = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)], fee=0, version=3,
                           extra_outputs=[TxOut(240, P2A)])
    children = []
    for fee in (1_000, 3_000):
        child = spend(wallet, parent)
        child.version, child.vout[0].value = 3, child.vout[0].value - fee
        wallet.sign(child)
        child.vin[1].witness = []
        children.append(child)
    submit_ok(node, [parent, children[0]])
    # another bid replaces the first
    node.sendrawtransaction(children[1].hex())
    assert set(node.getrawmempool()) == {parent.txid, children[1].txid}


def test_wallets_pay_to_anchors(node, wallet):
    """The wallet sends to the address, and never takes the output for its own."""
    w = node.new_wallet("anchors")
    tx = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)], fee=1_000,
                       extra_outputs=[TxOut(1_000_000, bytes.fromhex(
                           node.validateaddress(w.getnewaddress())["scriptPubKey"]))])
    wallet.broadcast(tx)
    wallet.generate(1)
    address = node.decodescript(P2A.hex())["address"]
    txid = w.sendtoaddress(address=address, amount=node.params.amount(5_000), fee_rate=10)
    entry = w.gettransaction(txid)
    assert [d["category"] for d in entry["details"]] == ["send"]
    assert w.getaddressinfo(address)["ismine"] is False
