"""Warnings in RPC and by -alertnotify: rules that miners enforce and we do not know, a clock
that differs from everybody's, and several of them at once."""
import os
import time

import pytest

from framework.blocks import Chain
from framework.util import wait_until

PERIOD, THRESHOLD = 144, 108
UNKNOWN_BIT = 27
SIGNAL = 0x20000000 | 1 << UNKNOWN_BIT
RULES = f"Unknown new rules activated (versionbit {UNKNOWN_BIT})"
CLOCK = "Your computer's date and time appear to be more than 10 minutes out of sync"
CHAIN = "Warning: We do not appear to fully agree with our peers!"


def _warnings(node):
    """The same wherever they are shown."""
    mining, network, chain = (call()["warnings"] for call in (
        node.getmininginfo, node.getnetworkinfo, node.getblockchaininfo))
    assert mining == network == chain
    return chain


def _alarms(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as f:
        return f.read().splitlines()


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "alarms")


def _mine_window(node, signalling):
    chain = Chain.of(node)
    for b in chain.mine(count=signalling, version=SIGNAL):
        assert node.submitblock(b.hex()) is None
    node.generatetodescriptor(PERIOD - signalling, "raw(51)")


def test_unknown_rules(lab, params, out):
    node = lab.node(f"-alertnotify=echo %s >> {out}", params=params)
    node.generatetodescriptor(PERIOD - 1, "raw(51)")         # with the first block
    _mine_window(node, THRESHOLD - 1)
    assert _warnings(node) == []
    _mine_window(node, THRESHOLD)
    assert _warnings(node) == []                             # not in force yet
    node.generatetodescriptor(PERIOD, "raw(51)")
    assert _warnings(node) == [RULES]
    wait_until(lambda: _alarms(out) == [RULES])
    node.restart()                                           # it still holds
    node.generatetodescriptor(1, "raw(51)")
    wait_until(lambda: _warnings(node) == [RULES])


def _peers_ahead(node, count, minutes, add=None):
    """Peers whose clocks are so far ahead of ours, one after the other."""
    true, node.mocktime = node.mocktime, node.mocktime + 60 * minutes
    for _ in range(count):
        peer = (add or node.add_outbound)()
        peer.close()
        wait_until(lambda: node.getconnectioncount() == 0)
    node.mocktime = true


def test_a_clock_that_is_wrong(lab, params, out):
    node = lab.node(f"-alertnotify=echo %s >> {out}", params=params)
    node.set_time(int(time.time()))
    start = node.log_size()
    _peers_ahead(node, 6, 60, add=node.add_peer)             # whoever calls may lie
    assert "Added time offset" not in node.log(start)
    _peers_ahead(node, 4, 11)
    node.wait_log("Added time offset +660s, total samples 4", start)
    assert node.getnetworkinfo()["timeoffset"] == 0 and _warnings(node) == []
    _peers_ahead(node, 1, 11)
    node.wait_log("total samples 5", start)
    (text,) = wait_until(lambda: _warnings(node))
    assert text.startswith(CLOCK) and text in node.log(start)
    assert node.getnetworkinfo()["timeoffset"] == 660
    # as many with our time, and all is well
    _peers_ahead(node, 5, 0)
    node.wait_log("total samples 10", start)
    wait_until(lambda: node.getnetworkinfo()["timeoffset"] == 660)
    _peers_ahead(node, 1, 0)
    node.wait_log("total samples 11", start)
    wait_until(lambda: _warnings(node) == [])
    assert node.getnetworkinfo()["timeoffset"] == 0
    assert _alarms(out) == []


def test_a_refused_chain_of_more_work_until_ours_has_as_much(lab, params, out):
    node = lab.node(f"-alertnotify=echo %s >> {out}", params=params)
    node.generatetodescriptor(5, "raw(51)")
    bad = Chain.of(node).fork(1)
    bad.mine(value=params.max_coinbase(2) + 1)
    bad.mine(count=12)
    for b in bad.blocks[2:]:
        node.submitheader(b.serialize_header().hex())
    for b in reversed(bad.blocks[2:]):       # its beginning comes last
        node.submitblock(b.hex())
    (text,) = _warnings(node)
    assert text.startswith(CHAIN)
    wait_until(lambda: _alarms(out))
    node.generatetodescriptor(2, "raw(51)")
    assert _warnings(node) == [text]         # 14 against 7
    node.generatetodescriptor(1, "raw(51)")
    assert _warnings(node) == []
