"""SIGKILL at random moments while a UTXO snapshot is loaded, the history is validated, and
the chain states change places: every start finds a chain state that is whole."""
import os
import random
import threading
import time

import pytest

from framework.rpc import RPCError
from framework.snapshot import Source, chainstates, set_of
from framework.util import LONG, wait_until

ROUNDS = 30 if LONG else 2
KILLS = 6 if LONG else 4


@pytest.fixture(scope="module")
def source(module_lab, params):
    return Source.grow(module_lab.node(params=params), base=125, above=6)


def begin(source, node):
    """Headers, on disk."""
    source.give_headers(node)
    node.restart()


def advance(source, node, rng):
    """What the node still lacks: the snapshot, then blocks in whatever order."""
    if len(chainstates(node)) == 1 and node.getblockcount() == 0:
        node.loadtxoutset(source.file)
    heights = list(range(1, source.node.getblockcount() + 1))
    if rng.random() < 0.5:
        rng.shuffle(heights)
    source.give_blocks(node, heights)


def killed(source, node, rng):
    """Whether the node was killed on its way; it had the time otherwise."""
    process, after = node.process, rng.random() ** 2 * 0.4
    timer = threading.Timer(after, process.kill)
    timer.start()
    try:
        advance(source, node, rng)
    except (OSError, RPCError):
        if process.poll() is None and not timer.finished.is_set():
            raise
    timer.join()
    process.wait()
    node.process = None
    node.rpc.close()


def check(source, node):
    """Two chain states: the later one began with the snapshot. One: it is validated."""
    states = chainstates(node)
    assert states[0]["validated"]
    tip = states[-1]["blocks"]
    assert source.node.getblockhash(tip) == node.getbestblockhash()
    assert node.verifychain(3, 0)
    if len(states) == 2:
        assert states[1]["snapshot_blockhash"] == source.base["base_hash"]
        assert tip >= source.base["base_height"] >= states[0]["blocks"]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_kills(source, lab, round_):
    rng = random.Random(f"{source.params.name} {round_} {time.time() if LONG else 0}")
    node = lab.node(source.option, params=source.params)
    begin(source, node)
    for _ in range(KILLS):
        killed(source, node, rng)
        node.start()
        check(source, node)
    advance(source, node, rng)
    wait_until(lambda: len(chainstates(node)) == 1)
    wait_until(lambda: node.getblockcount() == source.node.getblockcount())
    assert set_of(node) == set_of(source.node)
    node.restart()
    assert not os.path.exists(node.path("chainstate_snapshot"))
    assert set_of(node) == set_of(source.node)
    assert node.verifychain(4, 0)
