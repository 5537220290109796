"""Transactions of a wallet that spend the same: in the mempool, in blocks, and after
reorgs; abandoned ones; clones and double spends."""
import pytest

from framework import fixtures
from framework.blocks import Chain
from framework.key import Key
from framework.rpc import expect_error
from framework.script import p2wpkh

FOREIGN = p2wpkh(Key.from_seed("somebody else").pubkey)


node = fixtures.node_of_each()
bank = fixtures.mini_wallet(120)
wallet = fixtures.key_wallet()


@pytest.fixture
def coin(bank, wallet):
    tx, n = bank.send_to(wallet.script, 100000)
    bank.generate(1)
    return wallet.coin(tx, n)


def _info(wallet, tx):
    return wallet.gettransaction(tx.txid)


def _mine(node, *txs):
    """A block with exactly these transactions on top of the tip."""
    chain = Chain.of(node)
    block = chain.next([t for t in txs])
    assert node.submitblock(block.hex()) is None
    return block.hash


def test_replaced_in_the_mempool(wallet, coin):
    first = wallet.send([coin], [(wallet.script, 99000)], sequence=0)
    second = wallet.send([coin], [(wallet.script, 90000)], sequence=0)
    assert wallet.trusted() == 90000
    old, new = _info(wallet, first), _info(wallet, second)
    assert old["confirmations"] == 0 and not old["trusted"]
    assert old["walletconflicts"] == [second.txid] == old["mempoolconflicts"]
    assert new["walletconflicts"] == [first.txid] and new["mempoolconflicts"] == []
    assert new["trusted"] and new["bip125-replaceable"] == "yes"


def test_rival_in_a_block_ends_a_whole_family(node, wallet, coin):
    loser = wallet.send([coin], [(wallet.script, 99000)], sequence=0)
    child = wallet.send([wallet.coin(loser, 0)], [(wallet.script, 98000)])
    winner = wallet.create([coin], [(wallet.script, 50000)])
    tip = _mine(node, winner)
    assert wallet.trusted() == 50000
    for tx in loser, child:
        assert _info(wallet, tx)["confirmations"] == -1
    assert _info(wallet, loser)["walletconflicts"] == [winner.txid]
    node.generatetodescriptor(2, "raw(51)")
    assert _info(wallet, child)["confirmations"] == -3
    node.invalidateblock(tip)
    assert _info(wallet, loser)["confirmations"] == 0
    assert wallet.trusted() == 50000        # the mempool has the winner again
    assert _info(wallet, loser)["mempoolconflicts"] == [winner.txid]
    node.reconsiderblock(tip)
    assert _info(wallet, loser)["confirmations"] == -3


def test_foreign_rival_in_the_mempool_frees_other_coins(bank, node, wallet, coin):
    """Somebody replaces a payment: what we spent along with it is ours again."""
    theirs = bank.get_utxo(confirmed_only=True)
    tx = bank.create(utxos=[theirs], amounts=[theirs.value - 31000], sequence=0,
                     extra_outputs=[])
    tx.vout[0].value -= 20000
    tx.vout.append(tx.vout[0].__class__(20000, wallet.script))
    bank.sign(tx, [theirs])
    assert node.sendrawtransaction(tx.hex()) == tx.txid
    assert wallet.pending() == 20000
    both = wallet.send([coin, wallet.coin(tx, 1)], [(wallet.script, 110000)])
    assert (wallet.trusted(), wallet.pending()) == (0, 110000)
    rival = bank.create(utxos=[theirs], fee=90000, sequence=0)
    node.sendrawtransaction(rival.hex())
    assert (wallet.trusted(), wallet.pending()) == (100000, 0)
    assert _info(wallet, both)["mempoolconflicts"] == [rival.txid]
    bank.rescan()


def test_abandon_frees_the_inputs(node, wallet, coin):
    tx = wallet.send([coin], [(FOREIGN, 30000), (wallet.script, 69000)])
    child = wallet.send([wallet.coin(tx, 1)], [(wallet.script, 68000)])
    expect_error(-5, "Transaction not eligible for abandonment",
                 wallet.abandontransaction, tx.txid)
    _drop_from_mempool(node)
    assert wallet.trusted() == 0            # neither spent for good nor free
    wallet.abandontransaction(tx.txid)
    assert wallet.trusted() == 100000
    for t in tx, child:
        assert all(d["abandoned"] for d in _info(wallet, t)["details"])
    wallet.abandontransaction(tx.txid)      # a second time does nothing
    # the mempool takes it all the same: then it counts again
    node.sendrawtransaction(tx.hex())
    assert wallet.trusted() == 69000
    assert not any(d["abandoned"] for d in _info(wallet, tx)["details"])
    assert all(d["abandoned"] for d in _info(wallet, child)["details"])


def _drop_from_mempool(node):
    """Restarts with an empty mempool and without sending anything again."""
    loaded = node.listwallets()
    node.stop()
    node.start("-persistmempool=0", "-walletbroadcast=0")
    for name in set(loaded) - set(node.listwallets()):
        node.loadwallet(name)


def test_abandoned_parent_of_a_confirmed_rival(node, wallet, coin):
    tx = wallet.send([coin], [(wallet.script, 99000)])
    _drop_from_mempool(node)
    wallet.abandontransaction(tx.txid)
    rival = wallet.create([coin], [(FOREIGN, 98000)])
    tip = _mine(node, rival)
    assert wallet.trusted() == 0 and _info(wallet, tx)["confirmations"] == -1
    expect_error(-5, "not eligible", wallet.abandontransaction, tx.txid)
    node.invalidateblock(tip)
    assert _info(wallet, tx)["confirmations"] == 0
    node.reconsiderblock(tip)


def test_unknown_transactions(wallet):
    for call in wallet.abandontransaction, wallet.gettransaction:
        expect_error(-5, "Invalid or non-wallet transaction id", call, "11" * 32)


def test_double_spend_by_a_longer_branch(bank, node, wallet, coin):
    """A confirmed transaction loses to its rival in a branch with more work."""
    ours = wallet.create([coin], [(wallet.script, 99000)])
    chain = Chain.of(node)
    branch = chain.fork(chain.height)
    _mine(node, ours)
    assert wallet.trusted() == 99000
    rival = wallet.create([coin], [(FOREIGN, 90000), (wallet.script, 5000)])
    for block in branch.mine([rival], extra=b"\x07", count=3):
        node.submitblock(block.hex())
    assert node.getbestblockhash() == branch.tip.hash
    assert wallet.trusted() == 5000
    assert _info(wallet, ours)["confirmations"] == -3
    assert _info(wallet, rival)["confirmations"] == 3


def test_conflicts_survive_a_restart(node, wallet, coin):
    loser = wallet.send([coin], [(wallet.script, 99000)], sequence=0)
    winner = wallet.create([coin], [(wallet.script, 50000)])
    _mine(node, winner)
    node.unloadwallet(wallet.name)
    node.generatetodescriptor(1, "raw(51)")
    node.loadwallet(wallet.name)
    assert _info(wallet, loser)["confirmations"] == -2
    assert wallet.trusted() == 50000


def test_block_that_goes_while_the_wallet_is_away(node, wallet, coin):
    tx = wallet.create([coin], [(wallet.script, 99000)])
    tip = _mine(node, tx)
    assert _info(wallet, tx)["confirmations"] == 1
    node.unloadwallet(wallet.name)
    node.invalidateblock(tip)
    node.generatetodescriptor(1, "raw(52)")
    node.loadwallet(wallet.name)
    assert _info(wallet, tx)["confirmations"] in (0, 1)   # mined again, or waiting
    assert wallet.trusted() == 99000
