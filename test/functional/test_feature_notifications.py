"""-startupnotify, -shutdownnotify, -blocknotify, -alertnotify."""
import os

import pytest

from framework.blocks import Chain
from framework.util import wait_until


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out")


def _lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as f:
        return f.read().split()


def test_startupnotify_runs_once_when_rpc_is_up(lab, out):
    node = lab.node(f"-startupnotify=echo started >> {out}")
    wait_until(lambda: _lines(out))
    assert _lines(out) == ["started"]
    assert node.getblockcount() == 0


def test_shutdownnotify_ends_before_the_node(lab, out):
    node = lab.node(f"-shutdownnotify=echo down >> {out}")
    assert _lines(out) == []
    node.stop()
    assert _lines(out) == ["down"]


def test_blocknotify_for_every_new_tip(lab, params, out):
    node = lab.node(f"-blocknotify=echo %s >> {out}", params=params)
    hashes = node.generatetodescriptor(
        10, "raw(51)")
    wait_until(lambda: len(_lines(out)) == 10)
    assert sorted(_lines(out)) == sorted(hashes)


def test_alertnotify_for_a_long_invalid_branch(lab, params, out):
    """A branch with six blocks more work than ours that is invalid is worth an alarm."""
    node = lab.node(f"-alertnotify=echo alarm >> {out}", params=params)
    node.generatetodescriptor(5, "raw(51)")
    chain = Chain.of(node)
    bad = chain.fork(1)
    bad.mine(value=params.max_coinbase(2) + 1)
    bad.mine(count=15)
    for block in bad.blocks[2:]:
        node.submitheader(block.serialize_header().hex())
    # bodies from the top down: the whole branch is there before its first block is tried
    for block in reversed(bad.blocks[2:]):
        node.submitblock(block.hex())
    assert node.getblockcount() == 5
    wait_until(lambda: _lines(out))
    assert any("Found invalid chain" in w or "do not appear to fully agree" in w
               for w in node.getblockchaininfo()["warnings"])


def test_warnings_in_the_old_form(lab):
    """-deprecatedrpc=warnings: one sentence, as clients of bitcoind before 28 read it."""
    node = lab.node("-deprecatedrpc=warnings")
    for reply in (node.getblockchaininfo(), node.getnetworkinfo(), node.getmininginfo()):
        assert isinstance(reply["warnings"], str)
