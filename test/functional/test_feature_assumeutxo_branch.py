"""Branches beside a UTXO snapshot: below its base, and where the first chain state stands."""
import pytest

from framework.snapshot import Source, chainstates, set_of, wait_validated
from framework.util import wait_until


@pytest.fixture(scope="module")
def source(module_lab, params):
    return Source.grow(module_lab.node(params=params))


def test_validation_leaves_a_branch(source, lab):
    """The first chain state may stand on blocks that the snapshot's chain does not have."""
    node = lab.node(source.option, "-txindex", "-blockfilterindex", params=source.params)
    source.give_blocks(node, range(1, 20))
    node.generatetodescriptor(5, "raw(52)")
    tip = node.getbestblockhash()
    source.load(node)
    assert [s["bestblockhash"] for s in chainstates(node)] == [tip, source.base["base_hash"]]
    node.restart()
    assert [s["bestblockhash"] for s in chainstates(node)] == [tip, source.base["base_hash"]]
    source.give_blocks(node, range(20, source.base["base_height"]))
    wait_until(lambda: chainstates(node)[0]["blocks"] == source.base["base_height"] - 1)
    assert node.getbestblockhash() == source.base["base_hash"]
    assert {"height": 24, "hash": tip, "branchlen": 5, "status": "valid-fork"} \
        in node.getchaintips()
    source.give_blocks(node, range(source.base["base_height"],
                                   source.node.getblockcount() + 1))
    wait_validated(node)
    wait_until(lambda: all(i["synced"] for i in node.getindexinfo().values()))
    assert set_of(node) == set_of(source.node)
    node.restart()
    assert set_of(node) == set_of(source.node)
    assert node.verifychain(4, 0)


def test_branches_from_below_the_base(source, lab):
    """One with more work than the snapshot's chain counts once the history is there."""
    node = lab.node(source.option, params=source.params)
    other = lab.node(params=source.params)
    height = source.node.getblockcount()
    source.give_blocks(other, range(1, 100))
    other.generatetodescriptor(height - 99 + 2, "raw(51)")
    source.load(node)
    source.give_blocks(node, range(source.base["base_height"] + 1, height + 1))
    for h in range(100, other.getblockcount() + 1):
        node.submitblock(other.getblock(other.getblockhash(h), 0))
    assert node.getbestblockhash() == source.node.getbestblockhash()
    source.give_blocks(node, range(1, 80))
    node.restart()
    assert node.getbestblockhash() == source.node.getbestblockhash()
    source.give_blocks(node, range(80, source.base["base_height"] + 1))
    wait_until(lambda: node.getbestblockhash() == other.getbestblockhash())
    assert set_of(node) == set_of(other)
    node.restart()
    assert set_of(node) == set_of(other)
