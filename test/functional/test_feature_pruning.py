"""-prune: manual pruning, what is gone, what stays, and refusals."""
import os

import pytest

from framework.blocks import Chain, create_coinbase
from framework.primitives import TxOut
from framework.rpc import expect_error

KEEP = 288


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node("-prune=1", "-fastprune", params=params, start=False)
    chain = Chain(params)
    node.start()
    # blocks of about 2 KB fill the small files of -fastprune quickly
    filler = [TxOut(0, b"\x6a" + bytes(2000))]
    for height in range(1, 521):
        (block,) = chain.mine(coinbase=create_coinbase(params, height, outputs=filler))
        assert node.submitblock(block.hex()) is None
    return node


def _files(node):
    return sorted(f for f in os.listdir(node.path("blocks")) if f.startswith("blk"))


def test_pruneblockchain(node):
    info = node.getblockchaininfo()
    assert info["pruned"] is True and info["automatic_pruning"] is False
    assert info["pruneheight"] == 0
    expect_error(-8, "Negative block height.", node.pruneblockchain, -10)
    expect_error(-8, "Blockchain is shorter than the attempted prune height.",
                 node.pruneblockchain, 5000)
    height, files = node.getblockcount(), len(_files(node))
    last = node.pruneblockchain(height)
    assert last <= height - KEEP
    got = node.getblockchaininfo()["pruneheight"]
    assert got == last + 1
    # headers and coins stay; bodies are gone
    tip = node.getblockhash(height)
    assert node.getblock(tip)["height"] == height
    assert 0 < last and len(_files(node)) < files
    gone = node.getblockhash(1)
    assert node.getblockheader(gone)["height"] == 1
    expect_error(-1, "Block not available (pruned data)", node.getblock, gone)
    assert node.getblock(node.getblockhash(height - KEEP + 1))


def test_restart_of_a_pruned_node(node):
    height, pruned = node.getblockcount(), node.getblockchaininfo()["pruneheight"]
    node.restart()
    assert node.getblockcount() == height
    assert node.getblockchaininfo()["pruneheight"] == pruned
    node.stop()
    node.args.remove("-prune=1")
    err = node.fails_to_start()
    node.args.append("-prune=1")
    assert "-reindex" in err and "prun" in err
    node.start()


def test_killed_before_the_files_were_deleted(node):
    """The next start deletes what was forgotten already."""
    files = _files(node)
    assert "blk00000.dat" not in files
    node.stop()
    for name in ("blk00000.dat", "rev00000.dat"):
        with open(node.path("blocks", name), "wb") as f:
            f.write(bytes(100))
    node.start()
    assert _files(node) == files
    assert not os.path.exists(node.path("blocks", "rev00000.dat"))


def test_pruned_node_serves_only_recent_blocks(node):
    services = int(node.getnetworkinfo()["localservices"], 16)
    assert services & 1 == 0 and services & 1024


def test_incompatible_options(lab):
    node = lab.node(start=False)
    assert node.fails_to_start("-prune=550", "-txindex") == (
        "Error: Prune mode is incompatible with -txindex.")
    assert node.fails_to_start("-prune=550", "-reindex-chainstate") == (
        "Error: Prune mode is incompatible with -reindex-chainstate. Use full -reindex "
        "instead.")


def test_pruneblockchain_needs_prune_mode(lab):
    node = lab.node()
    expect_error(-1, "Cannot prune blocks because node is not in prune mode.",
                 node.pruneblockchain, 1)
