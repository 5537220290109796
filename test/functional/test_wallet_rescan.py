"""Reading blocks again: rescans, imports of old keys, start-up catch-up, addresses beyond
the key pool, pruned blocks, proofs instead of blocks, reindex."""
import threading
import time

from framework import fixtures
from framework.key import Key
from framework.keywallet import KeyWallet
from framework.params import BITCOIN
from framework.rpc import RPCError, expect_error
from framework.script import p2wpkh
from framework.util import wait_until
from framework.wallet import MiniWallet

FUTURE = 2 ** 31     # younger than any block


node = fixtures.node("-keypool=10", params=BITCOIN)
bank = fixtures.mini_wallet(110)
wallet = fixtures.key_wallet()


def _again(node, wallet, name, timestamp):
    return KeyWallet(node, name, seed=wallet.name, timestamp=timestamp)


def _age(node):
    """What is in the chain now is too old to be searched with timestamp FUTURE."""
    node.aged = node.__dict__.get("aged", 0) + 1
    node.set_time(time.time() + node.aged * 10 ** 5)
    node.generatetodescriptor(1, "raw(51)")
    node.setmocktime(0)
    node.mocktime = None


def test_import_finds_what_its_timestamp_covers(node, bank, wallet):
    bank.send_to(wallet.script, 100000)
    bank.generate(1)
    assert _again(node, wallet, "from genesis", 0).trusted() == 100000
    # blocks are searched from two hours before the time on
    tip = node.tip_header()
    assert _again(node, wallet, "recent", tip["time"]).trusted() == 100000
    _age(node)
    later = _again(node, wallet, "too late", tip["time"] + 7300)
    assert later.trusted() == 0 and later.listtransactions() == []
    assert later.rescanblockchain() == {"start_height": 0,
                                        "stop_height": node.getblockcount()}
    assert later.trusted() == 100000


def test_imports_see_the_mempool(node, bank, wallet):
    """Parent and child in the mempool, and a parent in a block whose child is not."""
    tx, n = bank.send_to(wallet.script, 100000)
    coin = wallet.coin(tx, n)
    child = wallet.send([coin], [(wallet.script, 90000)])
    other = _again(node, wallet, "unconfirmed", 0)
    assert (other.trusted(), other.pending()) == (0, 90000)
    assert len(other.listtransactions()) == len(wallet.listtransactions()) == 3
    assert other.gettransaction(child.txid)["confirmations"] == 0
    bank.generate(1)
    assert other.trusted() == 90000


def test_range_of_a_rescan(node, bank, wallet):
    heights = []
    for value in 1000, 2000, 3000:
        bank.send_to(wallet.script, value)
        bank.generate(1)
        heights.append(node.getblockcount())
    _age(node)
    other = _again(node, wallet, "ranges", FUTURE)
    assert other.trusted() == 0
    assert other.rescanblockchain(heights[1], heights[1]) == {
        "start_height": heights[1], "stop_height": heights[1]}
    assert other.trusted() == 2000
    other.rescanblockchain(heights[1])
    assert other.trusted() == 5000
    expect_error(-8, "Invalid start_height", other.rescanblockchain, -1)
    expect_error(-8, "Invalid start_height", other.rescanblockchain, 10 ** 6)
    expect_error(-8, "Invalid stop_height", other.rescanblockchain, 0, 10 ** 6)
    expect_error(-8, "stop_height must be greater than start_height",
                 other.rescanblockchain, 5, 4)


def test_abort(node, wallet):
    assert wallet.abortrescan() is False
    assert wallet.getwalletinfo()["scanning"] is False
    other = KeyWallet(node, "aborted")
    results = []

    def scan():
        for _ in range(200):
            try:
                results.append(node.wallet("aborted").rescanblockchain()["stop_height"])
            except RPCError as e:
                results.append(e.message)
                return
    thread = threading.Thread(target=scan)
    thread.start()
    seen = wait_until(lambda: other.getwalletinfo()["scanning"] or not thread.is_alive())
    if isinstance(seen, dict):
        assert seen["duration"] >= 0 and 0 <= seen["progress"] <= 1
    wait_until(lambda: other.abortrescan() or not thread.is_alive())
    thread.join()
    assert results[-1] in ("Rescan aborted.", node.getblockcount())
    assert other.getwalletinfo()["scanning"] is False


def test_addresses_beyond_the_key_pool(node, bank):
    """A restored wallet follows payments to addresses that it never handed out."""
    node.createwallet(wallet_name="giver")
    giver = node.wallet("giver")
    backup = node.path("giver.bak")
    giver.backupwallet(backup)
    addresses = [giver.getnewaddress() for _ in range(35)]
    scripts = [bytes.fromhex(node.validateaddress(a)["scriptPubKey"]) for a in addresses]
    node.restorewallet("restored", backup)
    restored = node.wallet("restored")
    for i in 9, 18, 27:
        bank.send_to(scripts[i], 10000)
    wait_until(lambda: len(restored.listtransactions()) == 3)
    # the addresses in between are in the address book now
    assert set(restored.getaddressesbylabel("")) >= set(addresses[:28])
    assert restored.getnewaddress() == addresses[28]
    bank.send_to(scripts[34], 10000)
    bank.generate(1)
    assert restored.getbalance() == giver.getbalance()
    # one transaction that pays beyond the pool and moves it
    node.restorewallet("both", backup)
    both = node.wallet("both")
    assert both.getbalance() == giver.getbalance()


def test_wallet_catches_up_when_loaded(node, bank, wallet):
    bank.send_to(wallet.script, 1000)
    bank.generate(1)
    node.unloadwallet(wallet.name)
    bank.send_to(wallet.script, 2000)
    bank.generate(3)
    bank.send_to(wallet.script, 4000)
    node.loadwallet(wallet.name)
    assert (wallet.trusted(), wallet.pending()) == (3000, 4000)
    assert wallet.getwalletinfo()["lastprocessedblock"]["height"] == node.getblockcount()


def test_reorg_while_the_wallet_is_away(node, bank, wallet):
    tx, _ = bank.send_to(wallet.script, 1000)
    fork = node.getblockcount()
    bank.generate(1)
    assert wallet.trusted() == 1000
    node.unloadwallet(wallet.name)
    tip = node.getblockhash(fork + 1)
    node.invalidateblock(tip)
    for _ in range(3):
        node.generateblock("raw(51)", [])
    node.loadwallet(wallet.name)
    assert (wallet.trusted(), wallet.pending()) == (0, 1000)
    assert wallet.gettransaction(tx.txid)["confirmations"] == 0
    bank.generate(1)
    assert wallet.trusted() == 1000


def test_reindex_keeps_everything(lab, bitcoin):
    node = lab.node(params=bitcoin)
    bank = MiniWallet(node)
    bank.generate(101)
    wallet = KeyWallet(node, "w", load_on_startup=True)
    tx, _ = bank.send_to(wallet.script, 100000)
    bank.generate(3)
    before, info = wallet.listtransactions(), wallet.getwalletinfo()
    node.stop()
    node.start("-reindex")
    wait_until(lambda: node.getblockcount() == 104)
    assert wallet.listtransactions() == before
    assert wallet.getwalletinfo() == info
    assert wallet.gettransaction(tx.txid)["confirmations"] == 3


def test_filters_spare_reading_blocks(lab, bitcoin):
    """With -blockfilterindex the same is found, also beyond the key pool."""
    node = lab.node("-blockfilterindex=1", "-keypool=10", params=bitcoin)
    bank = MiniWallet(node)
    bank.generate(110)
    node.createwallet(wallet_name="giver")
    giver = node.wallet("giver")
    backup = node.path("giver.bak")
    giver.backupwallet(backup)
    for i in range(30):
        address = giver.getnewaddress()
        if i % 6 == 5:
            code = bytes.fromhex(node.validateaddress(address)["scriptPubKey"])
            bank.send_to(code, 10000 + i)
            bank.generate(3)
    wait_until(lambda: node.getindexinfo()["basic block filter index"]["synced"])
    at = node.log_size()
    node.restorewallet("again", backup)
    again = node.wallet("again")
    again.rescanblockchain()
    assert "fast variant using block filters" in node.log(at)
    assert again.getbalance() == giver.getbalance() > 0
    assert len(again.listtransactions()) == 5
    node.stop()
    node.start("-blockfilterindex=0")
    node.loadwallet("again")
    at = node.log_size()
    again.rescanblockchain()
    assert "slow variant inspecting all blocks" in node.log(at)
    assert len(again.listtransactions()) == 5


# pruning and proofs -----------------------------------------------------------


def test_funds_with_a_proof(node, bank, wallet):
    tx, n = bank.send_to(wallet.script, 50000)
    theirs = bank.send()
    tip = bank.generate(1)[0]
    proof = node.gettxoutproof([tx.txid])
    _age(node)
    other = _again(node, wallet, "by proof", FUTURE)
    assert other.trusted() == 0
    assert other.importprunedfunds(tx.hex(), proof) is None
    assert other.trusted() == 50000
    info = other.gettransaction(tx.txid)
    assert (info["blockhash"], info["blockindex"]) == (
        tip, node.getblock(tip)["tx"].index(tx.txid))
    expect_error(-5, "Transaction given doesn't exist in proof",
                 other.importprunedfunds, theirs.hex(), proof)
    expect_error(-5, "No addresses in wallet correspond to included transaction",
                 other.importprunedfunds, theirs.hex(), node.gettxoutproof([theirs.txid]))
    broken = bytearray.fromhex(proof)
    broken[40] ^= 1
    expect_error(-5, "Something wrong with merkleblock", other.importprunedfunds,
                 tx.hex(), broken.hex())
    expect_error(-22, "TX decode failed", other.importprunedfunds, "00", proof)
    node.invalidateblock(tip)
    node.set_time(node.tip_header()["time"] + 1)
    node.generateblock("raw(51)", [])
    node.setmocktime(0)
    node.mocktime = None
    expect_error(-5, "Block not found in chain", other.importprunedfunds, tx.hex(), proof)
    assert other.removeprunedfunds(tx.txid) is None
    assert other.trusted() == 0 == other.pending()
    expect_error(-4, f"Transaction {tx.txid} does not belong to this wallet",
                 other.removeprunedfunds, tx.txid)
    bank.rescan()


def test_removed_funds_stay_away_over_a_restart(node, bank, wallet):
    txs = [bank.send_to(wallet.script, v)[0] for v in (1000, 2000, 4000)]
    bank.generate(1)
    wallet.removeprunedfunds(txs[1].txid)
    assert wallet.trusted() == 5000
    node.unloadwallet(wallet.name)
    node.loadwallet(wallet.name)
    assert wallet.trusted() == 5000
    assert [e["txid"] for e in wallet.listtransactions()] == [txs[0].txid, txs[2].txid]
    wallet.rescanblockchain()
    assert wallet.trusted() == 7000


def test_pruned_blocks(lab, bitcoin):
    node = lab.node("-prune=1", "-fastprune", params=bitcoin)
    bank = MiniWallet(node)
    bank.generate(110)
    wallet = KeyWallet(node, "w")
    node.unloadwallet("w")
    node.generatetodescriptor(600, "raw(51)")
    assert node.pruneblockchain(300) > 100
    expect_error(-4, "Prune: last wallet synchronisation goes beyond pruned data.",
                 node.loadwallet, "w")
    again = KeyWallet(node, "young", seed="w", timestamp=FUTURE)
    expect_error(-1, "Can't rescan beyond pruned data.", again.rescanblockchain)
    bank.send_to(wallet.script, 1000)
    bank.generate(1)
    assert again.trusted() == 1000
    assert again.rescanblockchain(node.getblockcount())["stop_height"] == \
        node.getblockcount()


def test_key_that_is_imported_twice_counts_once(node, bank, wallet):
    bank.send_to(wallet.script, 1000)
    bank.generate(1)
    wallet.import_key(0)
    assert wallet.trusted() == 1000 and len(wallet.listtransactions()) == 1


def test_import_makes_known_outputs_ours(node, bank, wallet):
    """A payment that also pays a key which is imported later, without a rescan."""
    second = Key.from_seed("second key")
    tx, n = bank.send_to(wallet.script, 10000)
    coin = wallet.coin(tx, n)
    wallet.send([coin], [(p2wpkh(second.pubkey), 9000)])
    bank.generate(1)
    assert wallet.trusted() == 0
    text = f"wpkh({second.wif(node.params)})"
    text += "#" + node.getdescriptorinfo(text)["checksum"]
    _age(node)
    wallet.importdescriptors([{"desc": text, "timestamp": FUTURE}])
    assert wallet.trusted() == 9000
