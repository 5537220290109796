"""Tickets in packages: what holds for them alone holds for them together."""
import pytest

from framework import fixtures, ticket
from framework.ed448 import Key as Ed448
from framework.packages import pool_is, split, submit, trial
from framework.params import OCHRE
from framework.primitives import TxOut
from framework.ticket import Ticket
from framework.wallet import MiniWallet

BURN = 10 * OCHRE.coin
node = fixtures.node()


@pytest.fixture(scope="module")
def bank(node):
    wallet = MiniWallet(node)
    wallet.generate(110)
    for _ in range(4):
        split(wallet, 5)
    return wallet


wallet = fixtures.bank_with_empty_pool()


def identity(wallet, name, utxo, fee, version=3, forged=False):
    """A transaction that registers the PastelID of that name."""
    node, key = wallet.node, Ed448.from_seed(name)
    genesis = bytes.fromhex(node.getblockhash(0))[::-1]
    t = Ticket("id", {"pastelid": key.public, "owner_sig": b"",
                      "owner_script": wallet.script_pubkey})
    signed = t.hash(genesis, "owner_sig", utxo.outpoint.serialize())
    t.values["owner_sig"] = (Ed448.from_seed("forger") if forged else key).sign(signed)
    return wallet.create(utxos=[utxo], fee=fee, version=version, extra_outputs=[
        TxOut(BURN, ticket.carrier(t.payload()))])


def pair(wallet, names, fees, utxo=None, **kwargs):
    parent = identity(wallet, names[0], utxo or wallet.get_utxo(confirmed_only=True), fees[0])
    (out,) = wallet.outputs_of(parent)
    return [parent, identity(wallet, names[1], out, fees[1], **kwargs)]


def send(node, txs):
    return submit(node, txs, 0, node.params.amount(BURN))


def test_a_child_pays_for_its_parents_ticket(node, wallet):
    txs = pair(wallet, ("first", "second"), (0, 5_000))
    assert [r.get("allowed") for r in trial(node, txs[:1])] == [False]
    assert send(node, txs)["package_msg"] == "success"
    pool_is(node, txs)
    wallet.generate(1)
    assert node.getrawmempool() == []
    for tx in txs:
        assert node.tickets("get", tx.txid)["confirmations"] == 1


def test_one_name_is_claimed_once(node, wallet):
    txs = pair(wallet, ("twice", "twice"), (0, 5_000))
    result = send(node, txs)
    assert result["package_msg"] == "conflict-in-package"
    assert result["tx-results"][txs[0].wtxid]["error"].startswith("min relay fee not met")
    paying = pair(wallet, ("twice", "twice"), (5_000, 5_000))
    assert {r["package-error"] for r in trial(node, paying)} == {"conflict-in-package"}
    # the parent stands alone; its child would have to replace it
    result = send(node, paying)
    assert result["tx-results"][paying[1].wtxid]["error"].startswith(
        "bad-txns-spends-conflicting-tx")
    pool_is(node, paying[:1])


def test_pairs_compete_for_names(node, wallet):
    """A name that a pending ticket claims is a conflict like a coin."""
    alone = identity(wallet, "wanted", wallet.get_utxo(confirmed_only=True), 20_000, 2)
    node.sendrawtransaction(alone.hex(), 0, node.params.amount(BURN))
    utxo = wallet.get_utxo(confirmed_only=True)
    for names in (("wanted", "beside"), ("beside", "wanted")):
        assert trial(node, pair(wallet, names, (5_000, 5_000), utxo))[
            names.index("wanted")]["reject-reason"] == "bip125-replacement-disallowed"
    poor = pair(wallet, ("wanted", "beside"), (0, 10_000), utxo)
    assert send(node, poor)["package_msg"].startswith(
        "package RBF failed: insufficient anti-DoS fees")
    rich = pair(wallet, ("wanted", "beside"), (0, 90_000), utxo)
    result = send(node, rich)
    assert result["package_msg"] == "success"
    assert result["replaced-transactions"] == [alone.txid]
    pool_is(node, rich)


def test_a_forged_ticket_keeps_both_out(node, wallet):
    txs = pair(wallet, ("genuine", "forged"), (0, 5_000), forged=True)
    result = send(node, txs)
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][txs[1].wtxid]["error"] == "ticket-signature"
    pool_is(node, [])


def test_registered_names_are_refused(node, wallet):
    (tx,) = [identity(wallet, "old", wallet.get_utxo(confirmed_only=True), 5_000)]
    node.sendrawtransaction(tx.hex(), 0, node.params.amount(BURN))
    wallet.generate(1)
    txs = pair(wallet, ("new", "old"), (0, 5_000))
    result = send(node, txs)
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][txs[1].wtxid]["error"].startswith("ticket-state")
    pool_is(node, [])
