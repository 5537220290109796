"""The version handshake: which services an outgoing peer must offer, and calls to ourselves."""
import time

import pytest

from framework import fixtures
from framework.messages import NODE_NETWORK, NODE_NETWORK_LIMITED, NODE_WITNESS
from framework.util import wait_until

FULL = NODE_NETWORK | NODE_WITNESS
LIMITED = NODE_NETWORK_LIMITED | NODE_WITNESS
DEPTH = 144             # blocks that a limited peer surely has


node = fixtures.node_of_each()


def _expect_refusal(node, kind, services, expected):
    start = node.log_size()
    peer = node.add_outbound(kind, ready=False, services=services)
    peer.wait_disconnect()
    node.wait_log(f"does not offer the expected services ({services:08x} offered, "
                  f"{expected:08x} expected); disconnecting", start)
    node.disconnect_peers()


def _expect_welcome(node, kind, services):
    peer = node.add_outbound(kind, services=services)
    assert not peer.closed
    node.disconnect_peers()


@pytest.mark.parametrize("kind", ["outbound-full-relay", "block-relay-only", "addr-fetch"])
def test_services_that_are_expected(node, kind):
    node.set_time(int(time.time()))
    node.generatetodescriptor(1, "raw(51)")            # our tip is fresh
    for services in (0, NODE_NETWORK, NODE_WITNESS):
        _expect_refusal(node, kind, services, FULL)
    _expect_refusal(node, kind, NODE_NETWORK_LIMITED, LIMITED)
    _expect_welcome(node, kind, FULL)
    _expect_welcome(node, kind, LIMITED)


def test_limited_peers_are_of_use_near_the_tip_only(node, params):
    now = int(time.time())
    node.set_time(now)
    node.generatetodescriptor(1, "raw(51)")
    tip = node.tip_header()["time"]
    node.set_time(tip + params.spacing * DEPTH - 1)
    _expect_welcome(node, "outbound-full-relay", LIMITED)
    node.set_time(tip + params.spacing * DEPTH)
    _expect_refusal(node, "outbound-full-relay", LIMITED, FULL)
    _expect_welcome(node, "outbound-full-relay", FULL)
    node.set_time(now)


def test_nothing_is_expected_of_who_calls_us(node):
    for services in (0, NODE_NETWORK, LIMITED):
        assert not node.add_peer(services=services).closed
    node.disconnect_peers()


def test_calling_ourselves_is_noticed(node):
    start = node.log_size()
    for version2 in (False, True):
        node.addnode(f"127.0.0.1:{node.p2p_port}", "onetry", version2)
        node.wait_log("connected to self at 127.0.0.1:", start)
        wait_until(lambda: node.getconnectioncount() == 0)
        start = node.log_size()
