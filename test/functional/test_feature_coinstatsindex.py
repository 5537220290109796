"""-coinstatsindex: gettxoutsetinfo of any block, by the node's own walk over the set and by sums
made here from the blocks; reorganisations, kills, reindexing.

That its sums agree with what tickets burned is checked in test_supernode_payment.py.
"""
from decimal import Decimal
import shutil

import pytest

from framework import fixtures
from framework.blocks import Chain
from framework.node import sync_blocks
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.util import wait_until

NAME = "coinstatsindex"
DATA = b"\x6a\x04data"
SUMS = ("prevout_spent", "coinbase", "new_outputs_ex_coinbase", "unspendable")


node = fixtures.node_of_each("-coinstatsindex")
wallet = fixtures.mini_wallet(110)


def synced(node):
    info = node.getindexinfo(NAME).get(NAME)
    return info and info["synced"] and info["best_block_height"] == node.getblockcount()


def by_hand(node, block_hash):
    """block_info from the block alone."""
    block = node.getblock(block_hash, 3)
    zero = Decimal(0)
    info = dict.fromkeys(SUMS, zero)
    lost = dict.fromkeys(("genesis_block", "bip30", "scripts", "unclaimed_rewards"), zero)
    for n, tx in enumerate(block["tx"]):
        for out in tx["vout"]:
            raw = bytes.fromhex(out["scriptPubKey"]["hex"])
            if block["height"] == 0:
                lost["genesis_block"] += out["value"]
            elif raw[:1] == b"\x6a" or len(raw) > 10000:
                lost["scripts"] += out["value"]
            else:
                info["new_outputs_ex_coinbase" if n else "coinbase"] += out["value"]
        if n:
            info["prevout_spent"] += sum(i["prevout"]["value"] for i in tx["vin"])
    if block["height"]:
        subsidy = node.params.amount(node.params.block_subsidy(block["height"]))
        lost["unclaimed_rewards"] = (
            subsidy + info["prevout_spent"] - info["new_outputs_ex_coinbase"]
            - info["coinbase"] - lost["scripts"])
    info["unspendable"] = sum(lost.values())
    return dict(info, unspendables=lost)


def check_tip(node):
    """The index against a walk over the whole set."""
    for kind in ("muhash", "none"):
        walked = node.gettxoutsetinfo(kind, None, False)
        assert walked.pop("transactions") >= 0 and walked.pop("disk_size") >= 0
        known = node.gettxoutsetinfo(kind)
        assert "transactions" not in known and "disk_size" not in known
        assert walked.items() <= known.items()
        assert known == node.gettxoutsetinfo(kind, known["height"])
        assert known == node.gettxoutsetinfo(kind, known["bestblock"])
    return known


def check_sums(node, first=0):
    """Each block by hand; what is unspendable adds up."""
    before = node.gettxoutsetinfo("none", first - 1)["total_unspendable_amount"] if first else 0
    for height in range(first, node.getblockcount() + 1):
        got = node.gettxoutsetinfo("none", height)
        want = by_hand(node, node.getblockhash(height))
        assert got["block_info"] == want
        before += want["unspendable"]
        assert got["total_unspendable_amount"] == before


def mine_odd_blocks(node, wallet):
    """What nobody can spend, what passes through a block, what the miner leaves."""
    coin = node.params.coin
    lost = wallet.create(extra_outputs=[TxOut(coin, DATA)], fee=1000)
    wallet.broadcast(lost, maxburnamount=1)
    for tx in wallet.chain(4, fee=1000):
        wallet.broadcast(tx)
    for _ in range(8):
        for tx in wallet.chain(10, outputs=2, fee=1000):
            wallet.broadcast(tx)
    wallet.generate(1)
    check_tip(node)
    modest = Chain.of(node).next(value=5)
    assert node.submitblock(modest.hex()) is None
    return check_tip(node)


def test_every_block(node, wallet):
    assert node.getindexinfo() == {NAME: {"synced": True, "best_block_height": 110}}
    check_tip(node)
    mine_odd_blocks(node, wallet)
    check_sums(node)


def test_arguments(node, lab, params):
    height = node.getblockcount()
    expect_error(-8, "hash_serialized_3 hash type cannot be queried for a specific block",
                 node.gettxoutsetinfo, "hash_serialized_3", height)
    expect_error(-8, "Cannot set use_index to false when querying for a specific block",
                 node.gettxoutsetinfo, "muhash", height, False)
    expect_error(-8, f"Target block height {height + 1} after current tip {height}",
                 node.gettxoutsetinfo, "muhash", height + 1)
    expect_error(-8, "Target block height -1 is negative", node.gettxoutsetinfo, "none", -1)
    expect_error(-5, "Block not found", node.gettxoutsetinfo, "none", "00" * 31 + "ff")
    expect_error(-8, "'foo' is not a valid hash_type", node.gettxoutsetinfo, "foo")
    assert node.gettxoutsetinfo()["hash_serialized_3"] == \
        node.gettxoutsetinfo("hash_serialized_3", None, False)["hash_serialized_3"]
    plain = lab.node(params=params)
    for kind in ("muhash", "hash_serialized_3"):
        expect_error(-8, "Querying specific block heights requires coinstatsindex",
                     plain.gettxoutsetinfo, kind, 0)
    assert "block_info" not in plain.gettxoutsetinfo("muhash")


def test_a_reorganisation(node, wallet):
    height = node.getblockcount()
    stale = [node.getblockhash(height - i) for i in range(3)]
    kept = {h: node.gettxoutsetinfo("muhash", h) for h in stale}
    node.invalidateblock(stale[-1])
    assert node.getindexinfo()[NAME] == {"synced": True, "best_block_height": height - 3}
    check_tip(node)
    wallet.rescan()
    wallet.send()
    wallet.generate(4)
    check_tip(node)
    check_sums(node, height - 2)
    for h in stale:
        assert node.gettxoutsetinfo("muhash", h) == kept[h]


def test_restarts_and_kills(node, wallet):
    at = node.getbestblockhash()
    before = node.gettxoutsetinfo("muhash", at)
    node.restart()
    assert node.gettxoutsetinfo("muhash", at) == before
    wallet.generate(5)
    node.kill()
    start = node.log_size()
    node.start()
    # not from the beginning: from the block that the chain itself goes on from
    assert f"Syncing {NAME} with block chain from height 0" not in node.log(start)
    node.generatetodescriptor(8, wallet.descriptor())
    wait_until(lambda: synced(node))
    wallet.rescan()
    check_tip(node)
    assert node.gettxoutsetinfo("muhash", at) == before


@pytest.mark.parametrize("option", ("-reindex", "-reindex-chainstate"))
def test_reindexing(node, option):
    tip = node.getbestblockhash()
    before = node.gettxoutsetinfo("muhash")
    node.restart(option)
    wait_until(lambda: node.getbestblockhash() == tip and synced(node))
    assert node.gettxoutsetinfo("muhash") == before
    check_tip(node)


def test_a_reorganisation_while_it_is_off(node, wallet):
    height = node.getblockcount()
    node.stop()
    node.args.remove("-coinstatsindex")
    node.start()
    node.invalidateblock(node.getblockhash(height - 2))
    wallet.rescan()
    wallet.send()
    wallet.generate(5)
    node.stop()
    node.args.append("-coinstatsindex")
    start = node.log_size()
    node.start()
    wait_until(lambda: synced(node))
    node.wait_log(f"Syncing {NAME} with block chain from height {height - 2}", start)
    node.wait_log(f"{NAME} is enabled at height {height + 2}", start)
    wallet.rescan()
    check_tip(node)
    check_sums(node, height - 3)


def test_switched_on_later(lab, params, node):
    late = lab.node(params=params)
    late.connect(node)
    sync_blocks([late, node])
    late.restart("-coinstatsindex", "-txindex", "-blockfilterindex", "-connect=0")
    wait_until(lambda: all(i["synced"] for i in late.getindexinfo().values()))
    assert set(late.getindexinfo()) == {NAME, "txindex", "basic block filter index"}
    for height in (0, 1, 60, late.getblockcount()):
        assert late.gettxoutsetinfo("muhash", height) == node.gettxoutsetinfo("muhash", height)
    late.kill()
    shutil.rmtree(late.path("indexes", "coinstats"))
    late.start("-coinstatsindex", "-connect=0")
    wait_until(lambda: synced(late))
    assert late.gettxoutsetinfo("muhash") == node.gettxoutsetinfo("muhash")


def test_killed_while_it_is_built(lab, params):
    """Wherever a kill strikes, the indexes go on and come to the same."""
    node = lab.node("-txindex", "-blockfilterindex", "-coinstatsindex", params=params)
    node.generatetodescriptor(300, "raw(51)")
    want = node.gettxoutsetinfo("muhash")
    tip_filter = node.getblockfilter(node.getbestblockhash())
    for moment in (f"Syncing {NAME} with block chain", f"{NAME} is enabled"):
        node.stop()
        for name in ("coinstats", "blockfilter", "txindex"):
            shutil.rmtree(node.path("indexes", name))
        start = node.log_size()
        node.spawn()
        node.wait_log(moment, start)
        node.kill()
        node.start()
        wait_until(lambda: all(i["synced"] for i in node.getindexinfo().values()))
        assert node.gettxoutsetinfo("muhash") == want
        assert node.getblockfilter(node.getbestblockhash()) == tip_filter
        check_tip(node)


def test_a_damaged_index_is_named(node):
    node.stop()
    path = node.path("indexes", "coinstats", "db", "CURRENT")
    with open(path, "rb") as f:
        good = f.read()
    with open(path, "wb") as f:
        f.write(b"nonsense\n")
    err = node.fails_to_start()
    assert "indexes/coinstats/db" in err and "Remove the directory" in err
    with open(path, "wb") as f:
        f.write(good)
    node.start()
    check_tip(node)
