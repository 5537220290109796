"""Signature operations count as size: -bytespersigop, families and packages."""
import pytest

from framework import fixtures, script as sc
from framework.key import Key
from framework.packages import trial
from framework.params import BITCOIN
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.wallet import MiniWallet

node = fixtures.node("-datacarriersize=100000", "-permitbaremultisig=1", params=BITCOIN)
CHECKSIGS = b"\xac"
OP_IF, OP_ENDIF = 0x63, 0x68


@pytest.fixture(scope="module")
def bank(node):
    wallet = MiniWallet(node)
    wallet.generate(115)
    return wallet


wallet = fixtures.bank_with_empty_pool()


def dense(wallet, sigops, padding=0):
    """Spends a P2WSH that would run so many OP_CHECKSIG, in a branch not taken."""
    code = bytes([0x00, OP_IF]) + CHECKSIGS * sigops + bytes([OP_ENDIF, 0x51])
    base, n = wallet.send_to(sc.p2wsh(code), 1_000_000, confirmed_only=True)
    wallet.generate(1)
    tx = Tx([TxIn(OutPoint(base.txid, n))], [TxOut(500_000, wallet.script_pubkey),
                                             TxOut(0, b"\x6a" + b"\x51" * padding)])
    tx.vin[0].witness = [code]
    return tx


@pytest.mark.parametrize("per_sigop", [43, 20, 1])
@pytest.mark.parametrize("sigops", [69, 142, 3])
def test_charged_size(node, wallet, per_sigop, sigops):
    """A quarter of the bytes for each sigop, if that is more than the weight is."""
    node.restart(f"-bytespersigop={per_sigop}")
    charged = -(-sigops * per_sigop // 4)
    tx = dense(wallet, sigops)
    padding = max(0, charged - tx.vsize)
    for more in {max(0, padding - 5), padding, padding + 4}:
        padded = tx.copy()
        padded.vout[1].script_pubkey = b"\x6a" + b"\x51" * more
        (result,) = trial(node, [padded])
        assert result["allowed"], result
        assert result["vsize"] == max(charged, padded.vsize)
        rate = node.params.units(result["fees"]["effective-feerate"])
        assert rate == node.params.units(result["fees"]["base"]) * 1000 // result["vsize"]
    node.sendrawtransaction(tx.hex(), 0)
    entry = node.getmempoolentry(tx.txid)
    assert entry["vsize"] == entry["ancestorsize"] == max(charged, tx.vsize)
    assert entry["weight"] == tx.weight
    node.restart()


def test_families_count_charged_sizes(node, wallet):
    """Bare multisig outputs in parent and child: each fits, both do not."""
    keys = [Key.from_seed(str(i)).pubkey for i in range(3)]
    outs = [TxOut(10_000, sc.multisig(1, keys)) for _ in range(127)]
    parent = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)], fee=200_000,
                           extra_outputs=outs)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=200_000, extra_outputs=outs)
    alone = 127 * 20 * 20      # 20 sigops of 20 vbytes each
    assert parent.vsize < alone / 2
    for result in trial(node, [parent, child]):
        assert result["package-error"] == \
            f"package-mempool-limits, package size {2 * alone} exceeds ancestor size " \
            "limit [limit: 101000]"
    node.sendrawtransaction(parent.hex(), 0)
    (result,) = trial(node, [child])
    assert result["reject-reason"] == "too-long-mempool-chain"
    wallet.rescan()


def test_sigops_for_each_transaction(node, wallet):
    """More than 16000 in units of cost are too many, however much is paid."""
    keys = [Key.from_seed(str(i)).pubkey for i in range(3)]

    def spending(outputs):
        outs = [TxOut(10_000, sc.multisig(1, keys)) for _ in range(outputs)]
        return wallet.create(utxos=[wallet.get_utxo(confirmed_only=True, keep=True)],
                             fee=500_000, extra_outputs=outs)
    assert trial(node, [spending(200)])[0]["allowed"]      # 200 * 20 * 4
    (result,) = trial(node, [spending(201)])
    assert result["reject-reason"] == "bad-txns-too-many-sigops"
