"""-blockfilterindex and -coinstatsindex on pruned nodes: what they answer for blocks that are gone,
what they hold back from pruning, and refusals when they would have to read what is gone."""
import pytest

from framework.blocks import Chain, create_coinbase
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.util import wait_until

FILTERS, STATS = "basic block filter index", "coinstatsindex"
PRUNE = ("-prune=1", "-fastprune")
BOTH = ("-blockfilterindex=1", "-coinstatsindex=1")
FILLER = [TxOut(0, b"\x6a" + bytes(2000))]


class Miner:
    """The same blocks of about 2 KB for every node: they fill the files of -fastprune."""

    def __init__(self, params):
        self.chain = Chain(params)

    def mine(self, nodes, count):
        for _ in range(count):
            coinbase = create_coinbase(self.chain.params, self.chain.height + 1, outputs=FILLER)
            (block,) = self.chain.mine(coinbase=coinbase)
            for node in nodes:
                assert node.submitblock(block.hex()) is None


@pytest.fixture(scope="module")
def miner(params):
    return Miner(params)


@pytest.fixture(scope="module")
def node(module_lab, params, miner):
    node = module_lab.node(*PRUNE, *BOTH, params=params)
    miner.mine([node], 500)
    return node


def all_synced(node):
    height = node.getblockcount()
    return all(i == {"synced": True, "best_block_height": height}
               for i in node.getindexinfo().values())


def test_pruned_blocks_stay_known(node):
    height = node.getblockcount()
    before = [(node.getblockfilter(node.getblockhash(h)), node.gettxoutsetinfo("muhash", h))
              for h in (1, 100, height)]
    assert node.pruneblockchain(200) > 0
    expect_error(-1, "Block not available (pruned data)", node.getblock, node.getblockhash(1))
    after = [(node.getblockfilter(node.getblockhash(h)), node.gettxoutsetinfo("muhash", h))
             for h in (1, 100, height)]
    assert after == before
    (hit,) = node.scanblocks("start", ["raw(51)"], 7, 7)["relevant_blocks"]
    assert hit == node.getblockhash(7)
    expect_error(-1, "Block not available (pruned data)", node.scanblocks, "start", ["raw(51)"],
                 7, 7, "basic", {"filter_false_positives": True})


def test_indexes_hold_pruning_back(node, miner):
    height = node.getblockcount()
    start = node.log_size()
    node.pruneblockchain(300)
    assert f"limited pruning to height {height - 11}" in node.log(start)
    start = node.log_size()
    node.invalidateblock(node.getblockhash(height - 5))
    for name in (FILTERS, STATS):
        node.wait_log(f"{name} prune lock moved back to {height - 6}", start)
    node.reconsiderblock(miner.chain.blocks[height - 5].hash)
    assert node.getblockcount() == height and all_synced(node)


def test_restart_with_the_indexes(node, miner):
    node.kill()
    node.start()
    wait_until(lambda: all_synced(node))
    miner.mine([node], 10)
    assert all_synced(node)
    node.restart()
    wait_until(lambda: all_synced(node))


def test_an_index_that_was_off_too_long(node, miner):
    node.stop()
    for arg in BOTH:
        node.args.remove(arg)
    node.start()
    known = node.getblockcount()
    miner.mine([node], 450)
    # not far enough: what the indexes lack is still there
    assert node.pruneblockchain(known - 200) > 0
    node.restart(*BOTH)
    wait_until(lambda: all_synced(node))
    node.restart()
    known = node.getblockcount()
    miner.mine([node], 450)
    node.pruneblockchain(known + 150)
    assert node.getblockchaininfo()["pruneheight"] > known + 1
    expect_error(-1, "Index is not enabled for filtertype basic", node.getblockfilter,
                 node.getbestblockhash())
    expect_error(-8, "Querying specific block heights requires coinstatsindex",
                 node.gettxoutsetinfo, "muhash", node.getblockcount())
    node.stop()
    for arg, name in zip(BOTH, (FILTERS, STATS)):
        assert node.fails_to_start(arg) == (
            f"Error: {name} best block of the index goes beyond pruned data. Please disable the "
            "index or reindex (which will download the whole blockchain again)")
    node.start()


def test_reindexing_brings_the_indexes_back(node, miner, lab, params):
    """The blocks that are gone come from a peer that has them."""
    source = lab.node(params=params)
    for block in miner.chain.blocks[1:]:
        assert source.submitblock(block.hex()) is None
    node.args += BOTH
    node.restart("-reindex")
    node.addnode(f"127.0.0.1:{source.p2p_port}", "onetry")
    wait_until(lambda: node.getbestblockhash() == source.getbestblockhash())
    wait_until(lambda: all_synced(node))
    walked = node.gettxoutsetinfo("muhash", None, False)
    assert node.gettxoutsetinfo("muhash")["muhash"] == walked["muhash"]
    node.getblockfilter(node.getblockhash(5))
