"""SIGKILL and power cuts at random moments while a UTXO snapshot is loaded, the history is
validated, the chain states change places, and while a snapshot of an earlier block is made:
every start finds a chain state that is whole."""
import http.client
import os
import random
import threading
import time

import pytest

from framework.disklayer import PowerCut
from framework.node import StartError
from framework.preload import build_layer
from framework.rpc import RPCError
from framework.snapshot import Source, chainstates, set_of
from framework.util import LONG, wait_until

ROUNDS = 30 if LONG else 2
KILLS = 6 if LONG else 4
CUTS = 40 if LONG else 6


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
    finish(source, node, rng)


def finish(source, node, rng):
    advance(source, node, rng)
    wait_until(lambda: len(chainstates(node)) == 1)
    wait_until(lambda: node.getblockcount() == source.node.getblockcount())
    assert set_of(node) == set_of(source.node)
    node.restart()
    assert not os.path.exists(node.path("chainstate_snapshot"))
    assert set_of(node) == set_of(source.node)
    assert node.verifychain(4, 0)


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    return build_layer(str(tmp_path_factory.mktemp("layer")), "disklayer")


def until_cut(node, cut, rng, work):
    """Whether the power went while the node started or worked; it is off in the end."""
    small = rng.choice(((), ("-dbbatchsize=300",)))
    try:
        node.start(*small, env=cut.env(after=rng.randrange(1, rng.choice((40, 150, 500)))))
        work()
    except StartError as e:
        assert e.status == -9, e
    except (OSError, RPCError, http.client.HTTPException) as e:
        assert node.process.wait(60) == -9, e
    if node.process:
        node.kill()
    return cut.cut(rng)


def test_power_cuts(source, lab, layer, tmp_path):
    rng = random.Random(f"cut {source.params.name} {time.time() if LONG else 0}")
    cuts = CUTS
    while cuts > 0:
        node = lab.node(source.option, params=source.params)
        begin(source, node)
        node.stop()
        cut = PowerCut(node, layer, str(tmp_path / node.name))
        for _ in range(3):
            until_cut(node, cut, rng, lambda: advance(source, node, rng))
            node.start()
            check(source, node)
            node.stop()
            cuts -= 1
        node.start()
        finish(source, node, rng)
        node.stop()


def test_power_cuts_amid_a_rollback(source, lab, layer, tmp_path):
    """The blocks come back, and a file that stands at its place is whole."""
    rng = random.Random(f"rollback {source.params.name} {time.time() if LONG else 0}")
    node = lab.node(params=source.params)
    source.give_blocks(node, range(1, source.node.getblockcount() + 1))
    whole = node.dumptxoutset("whole.dat", "rollback", {"rollback": 110})
    with open(whole["path"], "rb") as f:
        octets = f.read()
    node.stop()
    cut = PowerCut(node, layer, str(tmp_path / "journal"))
    for i in range(CUTS // 2):
        until_cut(node, cut, rng, lambda name=f"{i}.dat": node.dumptxoutset(
            name, "rollback", {"rollback": 110}))
        if os.path.exists(node.path(f"{i}.dat")):
            with open(node.path(f"{i}.dat"), "rb") as f:
                assert f.read() == octets
        node.start()
        wait_until(lambda: node.getbestblockhash() == source.node.getbestblockhash())
        assert set_of(node) == set_of(source.node)
        node.stop()
    node.start()
    assert node.verifychain(4, 0)
