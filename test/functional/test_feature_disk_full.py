"""A full disk or a failing write stops the node cleanly with a message, nothing lost."""
import pytest

from framework.blocks import Chain
from framework.crash import fingerprint
from framework.disklayer import FullDisk
from framework.preload import build_layer
from framework.rpc import RPCError


@pytest.fixture
def disk(lab, params, tmp_path):
    node = lab.node(params=params, start=False)
    return node, FullDisk(node, build_layer(str(tmp_path), "disklayer"), str(tmp_path))


def _submit_until_gone(node, blocks):
    for block in blocks:
        try:
            node.submitblock(block.hex())
            node.gettxoutsetinfo("none")
        except (OSError, RPCError, ValueError):
            break
        except Exception as e:  # http.client raises many kinds when a server goes
            if "http" not in type(e).__module__:
                raise
            break


def test_write_failure_stops_and_recovers(disk):
    node, full = disk
    chain = Chain(node.params)
    chain.mine(count=60)
    node.start(env=full.env())
    for block in chain.blocks[1:31]:
        assert node.submitblock(block.hex()) is None
    before = fingerprint(node)
    full.switch(full.full, True)
    _submit_until_gone(node, chain.blocks[31:])
    node.process.wait(60)
    node.wait_exit(stderr=None, status=node.process.returncode)
    err = node.stderr()
    assert err.startswith("Error: ") and len(err.strip().splitlines()) <= 3, err
    assert "Shutdown: done" in node.log()
    full.switch(full.full, False)
    node.start()
    assert node.getblockcount() >= 30
    assert node.getblockhash(30) == before["bestblock"]
    for block in chain.blocks[31:]:
        node.submitblock(block.hex())
    assert node.getbestblockhash() == chain.tip.hash
    assert node.verifychain(4, 0) is True


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
