"""A transaction of the wallet is confirmed in another shape: with other signatures it has
another id (before segwit), or another output."""
import pytest

from framework import fixtures
from framework import script as sc
from framework import sighash
from framework.blocks import Chain
from framework.key import Key
from framework.keywallet import KeyWallet
from framework.params import BITCOIN
from framework.primitives import OutPoint, Tx, TxIn, TxOut


node = fixtures.node(params=BITCOIN)
bank = fixtures.mini_wallet(110)


class LegacyWallet(KeyWallet):
    """The key pays to P2PKH: its signatures are part of the id."""

    def __init__(self, node, name):
        super().__init__(node, name)
        self.script = sc.p2pkh(self.key.pubkey)
        text = f"pkh({self.key.wif(node.params)})"
        text += "#" + node.getdescriptorinfo(text)["checksum"]
        assert self.importdescriptors([{"desc": text, "timestamp": "now"}])[0]["success"]

    def signed(self, tx, low_s=True):
        tx = tx.copy()
        digest = sighash.legacy(self.script, tx, 0, sighash.ALL)
        sig = self.key.sign_ecdsa(digest, low_s) + bytes([sighash.ALL])
        tx.vin[0].script_sig = sc.push(sig) + sc.push(self.key.pubkey)
        return tx


@pytest.mark.parametrize("mined", ["clone", "original"])
def test_clone_with_another_signature(node, bank, mined):
    wallet = LegacyWallet(node, mined)
    paid, n = bank.send_to(wallet.script, 100000)
    bank.generate(1)
    bare = Tx([TxIn(OutPoint(paid.txid, n))], [TxOut(99000, wallet.script)])
    original, clone = wallet.signed(bare), wallet.signed(bare, low_s=False)
    assert original.txid != clone.txid
    node.sendrawtransaction(original.hex())
    child = wallet.signed(Tx([TxIn(OutPoint(original.txid, 0))],
                             [TxOut(98000, wallet.script)]))
    node.sendrawtransaction(child.hex())
    assert wallet.trusted() == 98000
    chain = Chain.of(node)
    winner, loser = (clone, original) if mined == "clone" else (original, clone)
    block = chain.next([winner])
    assert node.submitblock(block.hex()) is None
    assert wallet.gettransaction(winner.txid)["confirmations"] == 1
    if mined == "clone":
        for tx in original, child:
            assert wallet.gettransaction(tx.txid)["confirmations"] == -1
        assert wallet.gettransaction(original.txid)["walletconflicts"] == [clone.txid]
        assert wallet.trusted() == 99000
        node.invalidateblock(block.hash)
        node.generateblock("raw(51)", [])
        # neither of both is in a block, and what the mempool has counts
        assert wallet.trusted() in (0, 98000, 99000)
        node.reconsiderblock(block.hash)
    else:
        assert wallet.trusted() == 98000


def test_two_wallets_of_one_node(node, bank):
    """A payment from one to the other is a spend here and a receipt there."""
    a, b = KeyWallet(node, "a"), KeyWallet(node, "b")
    paid, n = bank.send_to(a.script, 100000)
    bank.generate(1)
    tx = a.send([a.coin(paid, n)], [(b.script, 40000), (a.script, 59000)])
    assert (a.trusted(), a.pending(), b.trusted(), b.pending()) == (59000, 0, 0, 40000)
    bank.generate(1)
    assert (a.trusted(), b.trusted()) == (59000, 40000)
    assert [e["category"] for e in a.gettransaction(tx.txid)["details"]] == [
        "send", "send", "receive"]
    (entry,) = b.gettransaction(tx.txid)["details"]
    assert entry["category"] == "receive" and "fee" not in b.gettransaction(tx.txid)
    assert Key.from_seed("keywalleta").p2wpkh(node.params) == a.address
