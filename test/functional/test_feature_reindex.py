"""-reindex, -reindex-chainstate and -loadblock rebuild the very same state."""
import os
import struct

import pytest

from framework.blocks import Chain
from framework.util import wait_until
from framework.wallet import MiniWallet


def state_of(node):
    info = node.gettxoutsetinfo("muhash")
    out = {k: info[k] for k in ("height", "bestblock", "txouts", "muhash", "total_amount")}
    if node.params.tickets:
        out["root"] = node.getstateroot()
    return out


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(105)
    for _ in range(4):
        wallet.send(confirmed_only=True, outputs=5)
        wallet.generate(1)
    # a branch that lost belongs to the files, too
    chain = Chain.of(node)
    for block in chain.fork(chain.height - 2).mine(count=1, extra=b"\x02"):
        node.submitblock(block.hex())
    return node


@pytest.mark.parametrize("option", ["-reindex", "-reindex-chainstate"])
def test_same_state_again(node, option):
    before = state_of(node)
    node.restart(option)
    wait_until(lambda: node.getblockcount() == before["height"])
    assert state_of(node) == before
    node.restart()
    assert state_of(node) == before


def test_reindex_keeps_losing_branches(node):
    tips = node.getchaintips()
    assert len(tips) == 2
    node.restart("-reindex")
    wait_until(lambda: node.getblockcount() == tips[0]["height"])
    wait_until(lambda: node.getchaintips() == tips)


def test_reindex_of_shuffled_blocks(node, lab):
    """Blocks out of order in the file (as after a parallel download)."""
    chain = Chain.of(node)
    other = lab.node(params=node.params)
    other.stop()
    raws = [b.serialize() for b in chain.blocks]
    raws[2], raws[3] = raws[3], raws[2]
    raws[10:20] = raws[19:9:-1]
    other.write_block_file(b"".join(
        node.params.magic + struct.pack("<I", len(raw)) + raw for raw in raws))
    other.start("-reindex")
    wait_until(lambda: other.getblockcount() == chain.height)
    assert other.getbestblockhash() == chain.tip.hash


def test_reindex_after_a_torn_file(node, lab):
    """What stands behind a cut block is found again or left out, never a failure."""
    chain = Chain.of(node)
    other = lab.node(params=node.params)
    for block in chain.blocks[1:50]:
        other.submitblock(block.hex())
    other.stop()
    data = other.read_block_file()
    other.write_block_file(data[:data.rfind(node.params.magic) + 60])
    other.start("-reindex")
    wait_until(lambda: other.getblockcount() == 48)
    for block in chain.blocks[49:]:
        assert other.submitblock(block.hex()) is None
    assert other.getbestblockhash() == chain.tip.hash


def test_loadblock(node, lab, tmp_path):
    chain = Chain.of(node)
    boot = tmp_path / "bootstrap.dat"
    with open(boot, "wb") as f:
        for block in chain.blocks:
            raw = block.serialize()
            f.write(node.params.magic + struct.pack("<I", len(raw)) + raw)
    other = lab.node(f"-loadblock={boot}", params=node.params)
    wait_until(lambda: other.getblockcount() == chain.height)
    assert state_of(other) == state_of(node)
    assert os.path.exists(boot)


def test_reindex_interrupted_and_resumed(node, lab):
    before = state_of(node)
    node.stop()
    node.start("-reindex", "-stopatheight=40", wait=False)
    node.wait_exit()
    node.start()
    wait_until(lambda: node.getblockcount() == before["height"])
    assert state_of(node) == before
