"""Strict DER signatures and the other buried rules switch on at their height."""
import pytest

from framework.blocks import Chain
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.script import OPCODES, script
from framework.wallet import MiniWallet

HEIGHT = 112
T0 = 1795500000


def undersig(tx):
    """Puts a byte of padding behind the signature: no longer DER."""
    sig = tx.vin[0].script_sig
    size = sig[0]
    padded = sig[1:size] + b"\x00" + sig[size:size + 1]
    tx.vin[0].script_sig = bytes([len(padded)]) + padded + sig[size + 1:]
    return tx


@pytest.fixture(scope="module")
def env(module_lab, params):
    node = module_lab.node(f"-testactivationheight=dersig@{HEIGHT}", "-par=1",
                           params=params, start=False)
    node.start(f"-mocktime={T0}")
    wallet = MiniWallet(node, mode="p2pk")
    wallet.generate(HEIGHT - 2)
    return node, wallet


def test_dersig_activation(env):
    node, wallet = env
    info = node.getdeploymentinfo()["deployments"]["bip66"]
    assert info == {"type": "buried", "active": False, "height": HEIGHT}
    chain = Chain.of(node)

    # before: a padded signature is fine
    spend = undersig(wallet.create(confirmed_only=True))
    block = chain.next([spend])
    assert node.submitblock(block.hex()) is None
    chain.append(block)
    assert node.getdeploymentinfo()["deployments"]["bip66"]["active"] is True

    # from then on neither
    reason = f"bad-version(0x{2:08x})"
    assert node.submitblock(chain.next(version=2).hex()) == reason
    bad = undersig(wallet.create(confirmed_only=True))
    (result,) = node.testmempoolaccept([bad.hex()], 0)
    assert result["reject-reason"] == (
        "mandatory-script-verify-flag-failed (Non-canonical DER signature)")
    expect_error(-26, "mandatory-script-verify-flag-failed (Non-canonical DER signature)",
                 node.sendrawtransaction, bad.hex(), 0)
    assert node.submitblock(chain.next([bad]).hex()) == (
        "mandatory-script-verify-flag-failed (Non-canonical DER signature)")
    good = wallet.create(confirmed_only=True)
    assert node.submitblock(chain.next([good]).hex()) is None


def test_cltv_activation(lab, params):
    node = lab.node("-testactivationheight=cltv@104", "-par=1", params=params, start=False)
    node.start(f"-mocktime={T0}")
    wallet = MiniWallet(node, mode="raw")
    wallet.generate(102)
    chain = Chain.of(node)
    cltv = script(1000, OPCODES["OP_CHECKLOCKTIMEVERIFY"])
    tx = wallet.create(extra_outputs=[TxOut(1000, cltv)] * 2, fee=1000)
    assert node.submitblock(chain.append(chain.next([tx])).hex()) is None
    assert node.getdeploymentinfo()["deployments"]["bip65"]["active"] is True
    wallet.rescan()
    spend = wallet.create(utxos=[u for u in wallet.utxos if u.txid == tx.txid], fee=100)
    spend.vin[0].prevout.n = 1
    spend.vout[0].value = 500
    assert node.submitblock(chain.next([spend]).hex()) == (
        "mandatory-script-verify-flag-failed (Locktime requirement not satisfied)")
    # taking the block back to where the rule was not in force makes the spend valid
    node.invalidateblock(chain.tip.hash)
    early = Chain.of(node)
    assert node.submitblock(early.next([tx, spend], extra=b"\x21").hex()) is None


@pytest.mark.parametrize("name", ["bip34", "dersig", "cltv", "csv", "segwit"])
def test_test_activation_heights_are_reported(lab, name):
    node = lab.node(f"-testactivationheight={name}@21")
    key = {"dersig": "bip66", "cltv": "bip65"}.get(name, name)
    info = node.getdeploymentinfo()["deployments"][key]
    assert info == {"type": "buried", "active": False, "height": 21}
    node.generatetodescriptor(20, "raw(51)")
    assert node.getdeploymentinfo()["deployments"][key]["active"] is True
