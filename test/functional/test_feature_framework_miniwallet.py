"""The framework's own wallet against a node: sizes, fees, modes."""
import pytest

from framework import fixtures
from framework.wallet import MiniWallet


node = fixtures.node_of_each("-datacarriersize=100000", "-acceptnonstdtxn=1")


@pytest.mark.parametrize("mode", ["tr", "raw", "p2pk"])
def test_modes(node, mode):
    wallet = MiniWallet(node, mode=mode, tag=mode)
    wallet.generate(101)
    tx = wallet.send(fee=1000)
    entry = node.getmempoolentry(tx.txid)
    assert entry["fees"]["base"] == node.params.amount(1000)
    assert entry["vsize"] == tx.vsize
    wallet.generate(1)
    assert node.getrawmempool() == []


@pytest.mark.parametrize("size", [250, 500, 1250, 2500, 5000, 12500, 25000])
def test_target_size(node, size):
    wallet = MiniWallet(node, tag="size")
    if node.getblockcount() < 1 or not wallet.utxos:
        wallet.generate(1)
        node.generatetodescriptor(100, "raw(6a)")
    tx = wallet.create(target_vsize=size)
    assert abs(tx.vsize - size) <= 1
    wallet.broadcast(tx, maxfeerate=0)


def test_rescan_finds_the_same_coins(node):
    wallet = MiniWallet(node, tag="rescan")
    wallet.generate(102)
    wallet.send()
    before = sorted((u.txid, u.vout) for u in wallet.utxos)
    wallet.rescan()
    assert sorted((u.txid, u.vout) for u in wallet.utxos) == before
