"""The wallet sends its pending transactions again: after a restart, and about daily to
peers; -walletnotify; wallets of other chains."""
import os
import time

import pytest

from framework.key import Key
from framework.keywallet import KeyWallet
from framework.primitives import Tx
from framework.script import p2wpkh
from framework.util import wait_until
from framework.wallet import MiniWallet

FOREIGN = p2wpkh(Key.from_seed("somebody else").pubkey)


def _funded(lab, params, *args, coins=3):
    node = lab.node(*args, params=params)
    bank = MiniWallet(node)
    bank.generate(101 + coins)
    wallet = KeyWallet(node, "w", load_on_startup=True)
    paid = [bank.send_to(wallet.script, 100000) for _ in range(coins)]
    bank.generate(1)
    return node, bank, wallet, [wallet.coin(tx, n) for tx, n in paid]


def test_pending_ones_return_to_the_mempool_on_a_restart(lab, bitcoin):
    node, bank, wallet, coins = _funded(lab, bitcoin)
    parent = wallet.send([coins[0]], [(wallet.script, 99000)])
    child = wallet.send([wallet.coin(parent, 0)], [(wallet.script, 98000)])
    abandoned = wallet.send([coins[1]], [(wallet.script, 97000)])
    node.stop()
    node.start("-persistmempool=0", "-walletbroadcast=0")
    assert node.getrawmempool() == []
    wallet.abandontransaction(abandoned.txid)
    node.stop()
    node.start("-persistmempool=0")
    wait_until(lambda: len(node.getrawmempool()) == 2)
    assert set(node.getrawmempool()) == {parent.txid, child.txid}
    assert wallet.trusted() == 100000 + 100000 + 98000
    node.kill()
    node.start("-persistmempool=0")
    wait_until(lambda: len(node.getrawmempool()) == 2)
    assert wallet.trusted() == 298000


def test_pending_ones_go_to_peers_again(lab, bitcoin):
    node, bank, wallet, coins = _funded(lab, bitcoin)
    now = int(time.time())
    node.set_time(now)
    tx = wallet.send([coins[0]], [(wallet.script, 99000)])
    peer = node.add_peer()
    assert wallet.trusted() == 299000        # it has heard of everything
    # nothing before twelve hours, or without a block since
    node.set_time(now + 11 * 3600)
    with_log = node.log_size()
    node.mockscheduler(60)
    # a block that does not hold it makes it old
    node.generateblock("raw(51)", [])
    assert wallet.trusted() == 299000
    assert "ResubmitWalletTransactions" not in node.log(with_log)
    node.set_time(now + 37 * 3600)
    node.mockscheduler(60)
    node.wait_log("ResubmitWalletTransactions: resubmit 1 unconfirmed transactions",
                  with_log)
    assert tx.txid in node.getrawmempool()
    peer.close()


def test_spends_of_rewards_wait_for_lost_blocks(lab, bitcoin):
    """Blocks that a killed node has not saved come again; payments made meanwhile from
    their rewards are neither forgotten nor given up."""
    node = lab.node(params=bitcoin)
    wallet = KeyWallet(node, "w", load_on_startup=True)
    hashes = node.generatetoaddress(101, wallet.address)
    blocks = [node.getblock(h, 0) for h in hashes]
    coinbase = Tx.from_hex(node.getblock(hashes[0], 2)["tx"][0]["hex"])
    coin = wallet.coin(coinbase, 0)
    tx = wallet.send([coin], [(FOREIGN, 5000), (wallet.script, coin[2] - 6000)])
    assert wallet.trusted() == coin[2] - 6000
    node.kill()
    node.start("-persistmempool=0")
    for block in blocks:
        node.submitblock(block)
    assert node.getblockcount() == 101
    assert wallet.trusted() == 0 and not any(
        d["abandoned"] for d in wallet.gettransaction(tx.txid)["details"])
    node.stop()
    node.start("-persistmempool=0")
    assert node.getrawmempool() == [tx.txid]
    assert wallet.trusted() == coin[2] - 6000


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out")


def _lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as f:
        return f.read().splitlines()


def test_walletnotify(lab, bitcoin, out):
    """%s txid, %w wallet, %b block hash, %h its height; quoted for the shell."""
    node = lab.node(f"-walletnotify=echo %w,%s,%b,%h >> {out}", params=bitcoin)
    bank = MiniWallet(node)
    bank.generate(103)
    wallet = KeyWallet(node, "a 'quoted' name")
    tx, n = bank.send_to(wallet.script, 100000)
    pending = f"a 'quoted' name,{tx.txid},unconfirmed,-1"
    wait_until(lambda: pending in _lines(out))
    tip = bank.generate(1)[0]
    done = f"a 'quoted' name,{tx.txid},{tip},{node.getblockcount()}"
    wait_until(lambda: done in _lines(out))
    loser = wallet.send([wallet.coin(tx, n)], [(FOREIGN, 99000)], sequence=0)
    winner = wallet.create([wallet.coin(tx, n)], [(FOREIGN, 50000)])
    wait_until(lambda: any(loser.txid in line for line in _lines(out)))
    node.generateblock("raw(51)", [winner.hex()])
    wait_until(lambda: any(winner.txid in line and line.endswith(
        f",{node.getblockcount()}") for line in _lines(out)))
    node.sync_validation()
    assert all(line.startswith("a 'quoted' name,") for line in _lines(out))


def test_wallet_of_another_chain(lab, bitcoin):
    """Same network, different chains: the wallet's blocks do not exist here."""
    node, _, wallet, _ = _funded(lab, bitcoin)
    other = lab.node(params=bitcoin)
    other.generatetodescriptor(5, "raw(52)")
    copy = other.path("copy.bak")
    wallet.backupwallet(copy)
    other.restorewallet("copy", copy)
    # the same genesis block: it is taken for a chain that lost to this one
    assert other.wallet("copy").getbalance() == 0
    assert len(other.wallet("copy").listtransactions()) == 3
    assert all(e["confirmations"] == 0
               for e in other.wallet("copy").listtransactions())
