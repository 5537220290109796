"""BIP 68 in the mempool: disable flag, heights, times, unconfirmed inputs, reorgs."""
import random

import pytest

from framework.rpc import expect_error
from framework.wallet import MiniWallet

DISABLE, TIME, GRANULARITY = 1 << 31, 1 << 22, 9
NOT_FINAL = "non-BIP68-final"
T0 = 1795500000


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node("-acceptnonstdtxn=1", params=params, start=False)
    node.start(f"-mocktime={T0}")
    return node


@pytest.fixture(scope="module")
def wallet(node):
    wallet = MiniWallet(node)
    for i in range(12):
        node.set_time(T0 + 600 * 10 * i)
        wallet.generate(10)
    return wallet


def refused(node, tx):
    return expect_error(-26, NOT_FINAL, node.sendrawtransaction, tx.hex(), 0)


def test_disable_flag(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    tx = wallet.create(utxos=[utxo], sequence=DISABLE | 1)
    node.sendrawtransaction(tx.hex())
    child_coin = wallet.outputs_of(tx)[0]
    locked = wallet.create(utxos=[child_coin], sequence=1)
    refused(node, locked)
    # version 1 ignores sequence numbers
    old = wallet.create(utxos=[child_coin], sequence=1, version=1)
    node.sendrawtransaction(old.hex())
    wallet.generate(1)


def test_confirmed_inputs(node, wallet):
    """Random mixes of locks: the node agrees with the arithmetic of the BIP."""
    rng = random.Random(68)
    tip = node.getblockcount()
    mtp = node.getblockheader(node.getbestblockhash())["mediantime"]

    def coin_time(height):
        return node.getblockheader(node.getblockhash(max(height - 1, 0)))["mediantime"]
    utxos = [u for u in wallet.spendable(confirmed_only=True)][:20]
    for _ in range(60):
        use = rng.sample(utxos, rng.randint(1, 4))
        sequences, valid = [], True
        for u in use:
            if rng.random() < 0.5:
                depth = tip + 1 - u.height
                lock = max(depth + rng.choice((-2, -1, 0, 0, 1)), 1)
                valid &= lock <= depth
                sequences.append(lock)
            else:
                passed = (mtp - coin_time(u.height)) >> GRANULARITY
                lock = max(passed + rng.choice((-1, 0, 0, 1)), 0)
                valid &= lock <= passed
                sequences.append(TIME | lock)
        tx = wallet.create(utxos=use, sequence=sequences, fee=3000)
        (result,) = node.testmempoolaccept([tx.hex()], 0)
        assert result["allowed"] is valid, (sequences, result)
        if not valid:
            assert result["reject-reason"] == NOT_FINAL


def test_unconfirmed_inputs(node, wallet):
    """A coin of the mempool counts as one of the next block."""
    parent = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)])
    node.sendrawtransaction(parent.hex())
    coin = wallet.outputs_of(parent)[0]

    def child(sequence):
        return wallet.create(utxos=[coin], sequence=sequence)
    assert node.testmempoolaccept([child(0).hex()])[0]["allowed"] is True
    for sequence in (1, TIME | 1):
        refused(node, child(sequence))
    # one block later a lock of one block is met
    wallet.generate(1)
    wallet.rescan()
    assert node.testmempoolaccept([child(1).hex()])[0]["allowed"] is True
    refused(node, child(2))


def test_reorganisation_makes_locks_unmet(node, wallet):
    """What was final on the longer chain leaves when the chain gets shorter."""
    utxo = wallet.get_utxo(confirmed_only=True)
    depth = node.getblockcount() + 1 - utxo.height
    tx = wallet.create(utxos=[utxo], sequence=depth)
    node.sendrawtransaction(tx.hex())
    tip = node.getbestblockhash()
    node.invalidateblock(tip)
    assert tx.txid not in node.getrawmempool()
    node.reconsiderblock(tip)
    node.sendrawtransaction(tx.hex())
    assert tx.txid in node.getrawmempool()


@pytest.mark.parametrize("version", [2, 3])
def test_versions_with_relative_locks(node, wallet, version):
    utxo = wallet.get_utxo(confirmed_only=True)
    refused(node, wallet.create(utxos=[utxo], sequence=5000, version=version))
