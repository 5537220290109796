"""Wallets, indexes and pruning while the history below a UTXO snapshot is missing."""
import os

import pytest

from framework.blocks import Chain, create_coinbase
from framework.params import BITCOIN
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.snapshot import Source, chainstates, set_of, wait_validated
from framework.util import wait_until

SYNCING = ("Failed to rescan unavailable blocks likely due to an in-progress assumeutxo "
           "background sync. Check logs or getchainstates RPC for assumeutxo background sync "
           "progress and try again later.")


@pytest.fixture(scope="module")
def source(module_lab):
    """With a wallet whose coins lie on both sides of the base, and a backup of it."""
    node = module_lab.node(params=BITCOIN)
    wallet = node.new_wallet("w")
    source = Source.grow(node, base=120, above=0)
    node.generatetoaddress(3, wallet.getnewaddress())
    wallet.backupwallet(node.path("old.dat"))
    source.wallet.generate(101)
    source = _again(source)
    node.generatetoaddress(2, wallet.getnewaddress())
    source.wallet.generate(3)
    wallet.backupwallet(node.path("new.dat"))
    return source


def _again(old):
    new = Source(old.node, "again.dat")
    new.wallet, new.coin = old.wallet, old.coin
    return new


def _above(source):
    return range(source.base["base_height"] + 1, source.node.getblockcount() + 1)


def _below(source):
    return range(1, source.base["base_height"] + 1)


def test_wallets(source, lab):
    node = lab.node(source.option, params=BITCOIN)
    early = node.new_wallet("early")
    source.load(node)
    # a wallet that was open goes on at the base; what it has not searched is said
    assert early.getwalletinfo()["lastprocessedblock"]["height"] \
        == source.base["base_height"]
    assert "Blocks above height 0 are not searched" in node.log()
    source.give_blocks(node, _above(source))
    assert early.getwalletinfo()["lastprocessedblock"]["hash"] == node.getbestblockhash()
    expect_error(-1, SYNCING, early.rescanblockchain)
    expect_error(-1, SYNCING, early.rescanblockchain, source.base["base_height"])
    assert early.rescanblockchain(source.base["base_height"] + 1)["start_height"] \
        == source.base["base_height"] + 1
    # one that needs missing blocks is refused
    expect_error(-4, "Wallet loading failed. Error loading wallet. Wallet requires blocks to "
                 "be downloaded, and software does not currently support loading wallets "
                 "while blocks are being downloaded out of order when using assumeutxo "
                 "snapshots. Wallet should be able to load successfully after node sync "
                 f"reaches height {source.base['base_height']}",
                 node.restorewallet, "w", source.node.path("old.dat"))
    (key,) = [d["desc"] for d in source.node.wallet("w").listdescriptors(True)["descriptors"]
              if d["desc"].startswith("wpkh(") and not d["internal"]]
    blank = node.new_wallet("blank", blank=True)
    (told,) = blank.importdescriptors([{"desc": key, "timestamp": 0, "active": True,
                                        "range": [0, 20]}])
    assert not told["success"]
    assert "likely caused by an in-progress assumeutxo background sync" \
        in told["error"]["message"]
    # a new one works, over a restart, too
    node.restart()
    fresh = node.new_wallet("fresh")
    node.generatetoaddress(1, fresh.getnewaddress())
    assert fresh.getbalances()["mine"]["immature"] > 0
    node.invalidateblock(node.getbestblockhash())
    source.give_blocks(node, _below(source))
    wait_validated(node)
    node.restorewallet("w", source.node.path("old.dat"))
    want = source.node.wallet("w").getbalances()["mine"]
    assert node.wallet("w").getbalances()["mine"] == want
    node.loadwallet("blank")
    node.wallet("blank").rescanblockchain()
    assert node.wallet("blank").getbalances()["mine"] == want


def test_a_wallet_from_above_the_base(source, lab):
    node = lab.node(source.option, params=BITCOIN)
    source.load(node)
    source.give_blocks(node, _above(source))
    node.restorewallet("w", source.node.path("new.dat"))
    assert node.wallet("w").getbalances()["mine"] == \
        source.node.wallet("w").getbalances()["mine"]


def _indexes(node):
    return {name: (i["synced"], i["best_block_height"])
            for name, i in node.getindexinfo().items()}


def test_indexes_follow_what_is_validated(source, lab):
    node = lab.node(source.option, "-txindex", "-blockfilterindex", "-coinstatsindex",
                    params=BITCOIN)
    source.load(node)
    source.give_blocks(node, _above(source))
    tip = source.node.getblockcount()
    assert node.getblockcount() == tip
    wait_until(lambda: {h for _, h in _indexes(node).values()} == {0})
    source.give_blocks(node, range(1, 50))
    wait_until(lambda: {h for _, h in _indexes(node).values()} == {49})
    node.restart()
    source.give_blocks(node, range(50, source.base["base_height"] + 1))
    wait_validated(node)
    wait_until(lambda: set(_indexes(node).values()) == {(True, tip)})
    node.restart()
    assert set(_indexes(node).values()) == {(True, tip)}
    block = node.getblock(node.getblockhash(7))
    assert node.getrawtransaction(block["tx"][0], 1)["blockhash"] == block["hash"]
    assert node.getblockfilter(node.getblockhash(tip))["filter"]
    assert node.gettxoutsetinfo("muhash", 60)["height"] == 60


def test_pruning_keeps_what_is_to_be_validated(lab):
    """The history may go once it is validated, what lies above the base as ever."""
    node = lab.node(params=BITCOIN)
    source = Source.grow(node, base=330, above=400)
    pruned = lab.node(source.option, "-prune=1", "-fastprune", params=BITCOIN)
    source.load(pruned)
    source.give_blocks(pruned, _above(source))
    tip = node.getblockcount()
    source.give_blocks(pruned, range(2, 200))  # nothing connects without the first one
    pruned.pruneblockchain(tip)
    for h in (2, 100, 199, tip - 287, tip):
        assert pruned.getblock(pruned.getblockhash(h))["height"] == h
    source.give_blocks(pruned, [1])
    wait_until(lambda: chainstates(pruned)[0]["blocks"] == 199)
    pruned.restart()
    source.give_blocks(pruned, range(200, 331))
    wait_validated(pruned)
    assert pruned.pruneblockchain(tip) > 1
    assert set_of(pruned) == set_of(node)
    pruned.restart()
    assert not os.path.exists(pruned.path("chainstate_snapshot"))
    assert set_of(pruned) == set_of(node)
    assert "NETWORK" not in pruned.getnetworkinfo()["localservicesnames"]


def test_history_and_tip_have_files_of_their_own(lab):
    """Blocks come in turn from either side of the base; those above are pruned all the same."""
    node = lab.node(params=BITCOIN)
    chain = Chain(BITCOIN)
    filler = [TxOut(0, b"\x6a" + bytes(2000))]      # 30 blocks fill a file of -fastprune

    def grow(count):
        for _ in range(count):
            coinbase = create_coinbase(BITCOIN, chain.height + 1, outputs=filler)
            (block,) = chain.mine(coinbase=coinbase)
            node.submitblock(block.hex())

    grow(110)
    source = Source(node)
    grow(390)
    pruned = lab.node(source.option, "-prune=1", "-fastprune", params=BITCOIN)
    source.load(pruned)
    history, above = list(range(2, 111)), list(range(111, 501))
    for i, height in enumerate(history):
        source.give_blocks(pruned, [above[i], height])
        if i == 40:
            pruned.restart()
    source.give_blocks(pruned, above[len(history):])
    assert pruned.getblockcount() == 500
    assert pruned.pruneblockchain(500) > 110
    expect_error(-1, "Block not available (pruned data)", pruned.getblock,
                 pruned.getblockhash(115))
    for height in history:
        assert pruned.getblock(pruned.getblockhash(height))["height"] == height
    source.give_blocks(pruned, [1])
    wait_validated(pruned)
    assert set_of(pruned) == set_of(node)
    grow(1)
    source.give_blocks(pruned, [501])
    pruned.pruneblockchain(110)
    pruned.restart()
    assert set_of(pruned) == set_of(node)
