"""scantxoutset over descriptors: sums, positions, status, abort, errors."""
import pytest

from framework import fixtures, script as sc
from framework.address import p2pkh
from framework.key import Key
from framework.rpc import expect_error
from framework.script import OP_TRUE, script
from framework.wallet import MiniWallet


node = fixtures.node_of_each("-acceptnonstdtxn=1")


@pytest.fixture(scope="module")
def keys():
    return {n: Key.from_seed("scan" + n) for n in ("pk", "pkh", "wpkh", "sh", "tr", "ms")}


AMOUNT = {"pk": 10001, "pkh": 20002, "wpkh": 30003, "sh": 40004, "tr": 50005, "ms": 60006}


@pytest.fixture(scope="module")
def funded(node, keys):
    wallet = MiniWallet(node)
    wallet.generate(102)
    scripts = {
        "pk": sc.p2pk(keys["pk"].pubkey),
        "pkh": sc.p2pkh(keys["pkh"].pubkey),
        "wpkh": sc.p2wpkh(keys["wpkh"].pubkey),
        "sh": sc.p2sh(sc.p2wpkh(keys["sh"].pubkey)),
        "tr": sc.p2tr(keys["tr"].tweaked().xonly),
        "ms": sc.multisig(1, [keys["ms"].pubkey, keys["pk"].pubkey]),
    }
    for name, code in scripts.items():
        wallet.send_to(code, AMOUNT[name])
    wallet.generate(1)
    return wallet


def _scan(node, *descriptors):
    return node.scantxoutset("start", list(descriptors))


def test_each_kind_of_descriptor(node, keys, funded):
    hexes = {n: k.pubkey.hex() for n, k in keys.items()}
    cases = {
        f"pk({hexes['pk']})": "pk", f"pkh({hexes['pkh']})": "pkh",
        f"wpkh({hexes['wpkh']})": "wpkh", f"sh(wpkh({hexes['sh']}))": "sh",
        f"tr({keys['tr'].xonly.hex()})": "tr",
        f"multi(1,{hexes['ms']},{hexes['pk']})": "ms",
        f"combo({hexes['pkh']})": "pkh", f"combo({hexes['sh']})": "sh",
        f"addr({p2pkh(node.params, keys['pkh'].pubkey)})": "pkh",
    }
    for desc, name in cases.items():
        result = _scan(node, desc)
        assert result["success"] is True
        assert result["total_amount"] == node.params.amount(AMOUNT[name]), desc
        (coin,) = result["unspents"]
        assert coin["amount"] == result["total_amount"]
        assert coin["height"] == node.getblockcount() and coin["coinbase"] is False
        assert node.gettxout(coin["txid"], coin["vout"])["scriptPubKey"]["hex"] \
            == coin["scriptPubKey"]
        assert coin["blockhash"] == node.getbestblockhash()
        assert coin["confirmations"] == 1


def test_several_at_once(node, keys, funded):
    result = _scan(node, f"pk({keys['pk'].pubkey.hex()})",
                   {"desc": f"pkh({keys['pkh'].pubkey.hex()})"})
    assert result["total_amount"] == node.params.amount(AMOUNT["pk"] + AMOUNT["pkh"])
    assert result["height"] == node.getblockcount()
    assert result["bestblock"] == node.getbestblockhash()
    assert result["txouts"] == node.gettxoutsetinfo("none")["txouts"]


def test_raw_script_finds_coinbases(node, funded):
    result = _scan(node, funded.descriptor())
    assert all(u["coinbase"] in (True, False) for u in result["unspents"])
    assert len(result["unspents"]) == len(funded.utxos)
    assert result["total_amount"] == node.params.amount(funded.balance())


def test_nothing_found(node, funded):
    result = _scan(node, f"raw({script(OP_TRUE, OP_TRUE).hex()})")
    assert result["unspents"] == [] and result["total_amount"] == 0


def test_ranged_descriptors(node, funded):
    xpub = ("tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESa"
            "AstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B")
    result = node.scantxoutset("start", [{"desc": f"combo({xpub}/1/1/*)", "range": 1499}])
    assert result["total_amount"] == 0
    for bad, text in (([-1, 1], "Range should be greater or equal than 0"),
                      ([2, 1], "Range specified as [begin,end] must not have begin after "
                               "end"),
                      ([0, 1000001], "Range is too large")):
        expect_error(-8, text, node.scantxoutset, "start",
                     [{"desc": f"combo({xpub}/1/1/*)", "range": bad}])


def test_status_and_abort_without_a_scan(node, funded):
    assert node.scantxoutset("status") is None
    assert node.scantxoutset("abort") is False


def test_errors(node, funded):
    expect_error(-8, "Invalid action 'invalid_command'", node.scantxoutset,
                 "invalid_command")
    expect_error(-1, "scanobjects argument is required for the start action",
                 node.scantxoutset, "start")
    expect_error(-1, "scantxoutset \"action\"", node.scantxoutset)
    expect_error(-5, "not a valid descriptor", node.scantxoutset, "start", ["foo(bar)"])
    expect_error(-5, "", node.scantxoutset, "start", ["pk(0)"])
