"""Balances of a wallet through payments, spends, blocks and reorgs."""
from framework import fixtures
from framework.key import Key
from framework.keywallet import KeyWallet
from framework.rpc import expect_error
from framework.script import p2wpkh
from framework.wallet import MiniWallet

FOREIGN = p2wpkh(Key.from_seed("somebody else").pubkey)


node = fixtures.node_of_each()
bank = fixtures.mini_wallet(110)
wallet = fixtures.key_wallet()


def _pay(bank, wallet, value):
    """A coin of the wallet, unconfirmed."""
    tx, n = bank.send_to(wallet.script, value)
    return wallet.coin(tx, n)


def test_new_wallet_is_empty(node, wallet):
    assert wallet.getbalance() == 0
    assert wallet.getbalances() == {
        "mine": {"trusted": 0, "untrusted_pending": 0, "immature": 0},
        "lastprocessedblock": {"hash": node.getbestblockhash(),
                               "height": node.getblockcount()}}
    assert wallet.listtransactions() == []


def test_foreign_payment_is_pending_until_a_block_has_it(bank, wallet):
    _pay(bank, wallet, 100000)
    assert (wallet.trusted(), wallet.pending()) == (0, 100000)
    assert wallet.units(wallet.getunconfirmedbalance()) == 100000
    assert wallet.units(wallet.getwalletinfo()["unconfirmed_balance"]) == 100000
    bank.generate(1)
    assert (wallet.trusted(), wallet.pending()) == (100000, 0)
    assert wallet.getbalance(minconf=2) == 0
    assert wallet.units(wallet.getbalance("*", 1)) == 100000


def test_own_change_is_trusted_and_others_change_is_not(bank, wallet):
    coin = _pay(bank, wallet, 100000)
    bank.generate(1)
    wallet.send([coin], [(FOREIGN, 30000), (wallet.script, 69000)])
    assert (wallet.trusted(), wallet.pending()) == (69000, 0)
    assert wallet.getbalance(minconf=1) == 0
    bank.generate(1)
    assert wallet.units(wallet.getbalance(minconf=1)) == 69000


def test_change_of_untrusted_coins_is_untrusted(bank, wallet):
    coin = _pay(bank, wallet, 100000)
    wallet.send([coin], [(wallet.script, 99000)])
    assert (wallet.trusted(), wallet.pending()) == (0, 99000)


def test_unconfirmed_change_can_be_left_out(lab, bitcoin):
    node = lab.node("-spendzeroconfchange=0", params=bitcoin)
    bank = MiniWallet(node)
    bank.generate(101)
    wallet = KeyWallet(node, "w")
    coin = _pay(bank, wallet, 100000)
    bank.generate(1)
    wallet.send([coin], [(wallet.script, 99000)])
    assert (wallet.trusted(), wallet.pending()) == (0, 99000)


def test_coinbase_matures_after_a_hundred_blocks(node, bank, wallet):
    bank.generate(1)                         # leaves no fees in the mempool
    value = node.params.max_coinbase(node.getblockcount() + 1)
    node.generatetoaddress(1, wallet.address)
    assert (wallet.trusted(), wallet.immature()) == (0, value)
    node.generatetodescriptor(99, "raw(51)")
    assert (wallet.trusted(), wallet.immature()) == (0, value)
    node.generatetodescriptor(1, "raw(51)")
    assert (wallet.trusted(), wallet.immature()) == (value, 0)


def test_balance_follows_a_reorg(node, bank, wallet):
    _pay(bank, wallet, 100000)
    tip = bank.generate(1)[0]
    node.invalidateblock(tip)
    assert (wallet.trusted(), wallet.pending()) == (0, 100000)
    assert wallet.getbalances()["lastprocessedblock"]["hash"] == node.getbestblockhash()
    node.reconsiderblock(tip)
    assert (wallet.trusted(), wallet.pending()) == (100000, 0)


def test_reused_addresses_are_kept_apart(bank, node):
    wallet = KeyWallet(node, "avoids reuse", avoid_reuse=True)
    coin = _pay(bank, wallet, 100000)
    bank.generate(1)
    assert wallet.getbalances()["mine"]["used"] == 0
    wallet.send([coin], [(FOREIGN, 99000)])
    bank.generate(1)
    _pay(bank, wallet, 50000)
    bank.generate(1)
    assert wallet.trusted() == 0
    assert wallet.units(wallet.getbalances()["mine"]["used"]) == 50000
    assert wallet.units(wallet.getbalance(avoid_reuse=False)) == 50000
    assert wallet.getbalance() == 0
    node.unloadwallet(wallet.name)
    node.loadwallet(wallet.name)
    assert wallet.units(wallet.getbalances()["mine"]["used"]) == 50000


def test_bad_arguments(wallet):
    expect_error(-32, "dummy first argument must be excluded or set to \"*\".",
                 wallet.getbalance, "")
    expect_error(-4, "wallet does not have the \"avoid reuse\" feature enabled",
                 wallet.getbalance, avoid_reuse=True)


def test_balances_survive_a_restart(lab, bitcoin):
    node = lab.node(params=bitcoin)
    bank = MiniWallet(node)
    bank.generate(103)
    wallet = KeyWallet(node, "w", load_on_startup=True)
    coin = _pay(bank, wallet, 100000)
    bank.generate(1)
    wallet.send([coin], [(FOREIGN, 30000), (wallet.script, 69000)])
    _pay(bank, wallet, 5000)
    before = wallet.getbalances()
    node.stop()
    node.start()
    assert wallet.getbalances() == before
    node.kill()
    node.start()
    assert wallet.getbalances() == before
