"""-datacarrier and -datacarriersize: which OP_RETURN outputs are relayed."""
import pytest

from framework import fixtures
from framework.packages import trial
from framework.params import BITCOIN
from framework.primitives import TxOut
from framework.script import push

node = fixtures.node(params=BITCOIN)
wallet = fixtures.mini_wallet(101)
SIZES = (0, 1, 39, 40, 80, 81, 520, 9_000)


def carried(node, wallet, *scripts):
    """The reason why outputs with these scripts are refused, or None."""
    tx = wallet.create(utxos=[wallet.get_utxo(keep=True)], fee=20_000,
                       extra_outputs=[TxOut(0, s) for s in scripts])
    return trial(node, [tx])[0].get("reject-reason")


def data(size):
    return b"\x6a" + (push(bytes(size)) if size else b"")


@pytest.mark.parametrize("option,most", [
    (None, 83), ("-datacarrier=1", 83), ("-datacarrier=0", 0), ("-datacarriersize=42", 42),
    ("-datacarriersize=2", 2), ("-datacarriersize=0", 0), ("-datacarriersize=100000", 9_999),
])
def test_sizes(node, wallet, option, most):
    """The whole script counts: its opcode and the lengths of its pushes."""
    node.restart(*([option] if option else []))
    for size in SIZES:
        script = data(size)
        reason = None if len(script) <= most else "scriptpubkey"
        assert carried(node, wallet, script) == reason, (option, size)
    node.restart()


def test_one_for_each_transaction(node, wallet):
    assert carried(node, wallet, data(10), data(10)) == "multi-op-return"
    assert carried(node, wallet, data(10)) is None


def test_pushes_only(node, wallet):
    """Several pushes are data, too; anything else is no known script."""
    assert carried(node, wallet, b"\x6a" + push(b"two") * 2) is None
    assert carried(node, wallet, b"\x6a\x51\x60\x4f\x00") is None
    assert carried(node, wallet, b"\x6a\x76") == "scriptpubkey"
    assert carried(node, wallet, b"\x6a\x05cut") == "scriptpubkey"
