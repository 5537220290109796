"""A full disk or a failing write stops the node cleanly with a message, nothing lost."""
import http.client
import os

import pytest

from framework.blocks import Chain
from framework.disklayer import FullDisk
from framework.preload import build_layer
from framework.rpc import RPCError, expect_error
from framework.snapshot import Source
from framework.util import wait_until


@pytest.fixture
def disk(lab, params, tmp_path):
    node = lab.node(params=params, start=False)
    return node, FullDisk(node, build_layer(str(tmp_path), "disklayer"), str(tmp_path))


def _submit_until_gone(node, blocks):
    for block in blocks:
        try:
            node.submitblock(block.hex())
            node.gettxoutsetinfo()     # writes everything to disk first
        except (OSError, RPCError, ValueError):
            break
        except Exception as e:  # http.client raises many kinds when a server goes
            if "http" not in type(e).__module__:
                raise
            break


def _stops_by_itself(node):
    """Cleanly, and says why in a sentence. Returns that."""
    node.process.wait(60)
    node.wait_exit(stderr=None, status=node.process.returncode)
    err = node.stderr()
    assert err.startswith("Error: ") and len(err.strip().splitlines()) <= 3, err
    assert "Shutdown: done" in node.log()
    return err


# What cannot be written; the first is everything.
PLACES = ("", "blocks/blk", "blocks/rev", "blocks/index/", "/chainstate/", "indexes/txindex/",
          "indexes/blockfilter/", "indexes/coinstats/")
INDEXES = ("-txindex", "-blockfilterindex", "-coinstatsindex")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("batch", ("-dbbatchsize=100", "-dbbatchsize=16777216"))
def test_write_failure_stops_and_recovers(disk, place, batch):
    node, full = disk
    chain = Chain(node.params)
    chain.mine(count=60)
    node.args += [batch, *INDEXES]
    node.start(env=full.env())
    for block in chain.blocks[1:31]:
        assert node.submitblock(block.hex()) is None
    before = node.gettxoutsetinfo()
    full.switch(full.full, True, place)
    _submit_until_gone(node, chain.blocks[31:])
    err = _stops_by_itself(node)
    assert "space" in err and "free at least" in err, err
    full.switch(full.full, False)
    node.start()
    assert node.getblockcount() >= 30
    assert node.getblockhash(30) == before["bestblock"]
    for block in chain.blocks[31:]:
        node.submitblock(block.hex())
    assert node.getbestblockhash() == chain.tip.hash
    assert node.verifychain(4, 0) is True
    wait_until(lambda: all(i["synced"] for i in node.getindexinfo().values()))


def test_start_with_little_space_left(disk):
    node, full = disk
    full.switch(full.low, True)
    node.spawn(env=full.env())
    node.process.wait(60)
    node.wait_exit(stderr=None, status=1)
    assert "Disk space is too low" in node.stderr()


def test_running_out_of_space(disk):
    """Below 50 MB free it stops by itself before writes fail."""
    node, full = disk
    chain = Chain(node.params)
    chain.mine(count=5)
    node.start(env=full.env())
    node.submitblock(chain.blocks[1].hex())
    full.switch(full.low, True)
    node.mockscheduler(60)      # the space is looked at every half minute
    node.process.wait(60)
    node.wait_exit(stderr=None, status=node.process.returncode)
    assert "Disk space is too low" in node.stderr()
    full.switch(full.low, False)
    node.start()
    assert node.getblockcount() >= 1


@pytest.fixture
def beginner(disk, lab):
    """A node that may load a snapshot, and who made that."""
    node, full = disk
    source = Source.grow(lab.node(params=node.params), base=110, above=2)
    node.args.append(source.option)
    node.start(env=full.env())
    source.give_headers(node)
    return node, full, source


def test_no_space_for_a_snapshot(beginner):
    """It fails with the cause, and nothing has changed."""
    node, full, source = beginner
    full.switch(full.full, True, "chainstate_snapshot/")
    expect_error(-32603, "No space left on device", node.loadtxoutset, source.file)
    assert not os.path.exists(node.path("chainstate_snapshot"))
    assert len(node.getchainstates()["chainstates"]) == 1
    full.switch(full.full, False)
    node.loadtxoutset(source.file)
    assert node.getblockcount() == 110


def test_no_space_for_the_headers_of_a_snapshot(beginner):
    """The index cannot be written: the node stops, and the next start takes back the rest."""
    node, full, source = beginner
    full.switch(full.full, True, "blocks/index/")
    with pytest.raises((RPCError, OSError, http.client.HTTPException)):
        node.loadtxoutset(source.file)
    assert "free at least" in _stops_by_itself(node)
    full.switch(full.full, False)
    node.start()
    assert not os.path.exists(node.path("chainstate_snapshot"))
    source.give_headers(node)
    node.loadtxoutset(source.file)
    assert node.getblockcount() == 110


def test_no_space_for_a_dump(lab, params):
    node = lab.node(params=params)
    os.symlink("/dev/full", node.path("x.dat.incomplete"))
    expect_error(-32603, "Unable to write the UTXO snapshot", node.dumptxoutset, "x.dat",
                 "latest")
    assert not os.path.lexists(node.path("x.dat.incomplete"))
    assert not os.path.exists(node.path("x.dat"))
    assert node.dumptxoutset("x.dat", "latest")["coins_written"] == 0


def test_start_on_a_full_disk(disk):
    """The message says what cannot be written."""
    node, full = disk
    for place in ("blocks/", "chainstate/", "blocks/index/"):
        full.switch(full.full, True, place)
        node.spawn(env=full.env())
        node.process.wait(60)
        node.wait_exit(stderr=None, status=1)
        assert node.stderr().startswith("Error: Cannot "), node.stderr()
        assert "space left" in node.stderr()
        full.switch(full.full, False)
    node.start()
