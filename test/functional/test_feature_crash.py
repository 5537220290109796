"""SIGKILL at random moments of sync, reorganisation and flush: always a consistent tip.

10 kills in a normal run, 200 with OCHRE_LONG=1.
"""
import random
import threading
import time

import pytest

from framework.crash import busy_chain, check_tip, fingerprint, truth
from framework.rpc import RPCError
from framework.util import LONG

KILLS = 200 if LONG else 10


@pytest.fixture(scope="module")
def history(module_lab, params):
    """The blocks, and what is true at each tip."""
    chain, order = busy_chain(params, 60, 5)
    node = module_lab.node(params=params)
    seen = truth(node, order)
    return chain, order, seen, fingerprint(node)


def _feed(node, order, stop, rng):
    """Submits all blocks, flushing now and then, until the node is gone."""
    try:
        for block in order:
            if stop.is_set():
                return
            node.submitblock(block.hex())
            if rng.random() < 0.15:
                node.gettxoutsetinfo("none")     # writes everything to disk first
    except (OSError, RPCError, AssertionError, ValueError):
        pass
    except Exception as e:  # http.client raises many kinds when a server dies
        if "http" not in type(e).__module__:
            raise


def test_killed_at_random_moments(lab, params, history):
    chain, order, seen, end = history
    rng = random.Random(20261)
    node = lab.node("-dbcache=4", params=params, start=False)
    for _ in range(KILLS):
        node.start(f"-dbbatchsize={rng.choice((300, 1 << 24))}",
                   *rng.choice(((), (), ("-reindex-chainstate",), ("-reindex",))))
        stop = threading.Event()
        feeder = threading.Thread(target=_feed, args=(node, order, stop, rng))
        feeder.start()
        time.sleep(rng.uniform(0, 0.35))
        node.kill()
        stop.set()
        feeder.join(60)
        node.start()
        check_tip(node, seen)
        if rng.random() < 0.5:
            node.kill()         # also right after the start
        else:
            node.stop()
    node.start()
    for block in order:
        node.submitblock(block.hex())
    assert fingerprint(node) == end
    assert node.verifychain(4, 0) is True


def test_killed_during_start(lab, params, history):
    """A kill while it opens, checks or reindexes leaves nothing that cannot be opened."""
    _, order, seen, end = history
    rng = random.Random(7)
    node = lab.node(params=params)
    for block in order:
        node.submitblock(block.hex())
    node.stop()
    for i in range(KILLS // 2):
        node.spawn("-reindex" if i % 2 else "-checklevel=4")
        time.sleep(rng.uniform(0, 0.2))
        node.kill()
    node.start()
    check_tip(node, seen)
    for block in order:
        node.submitblock(block.hex())
    assert fingerprint(node) == end
