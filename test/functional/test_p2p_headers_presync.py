"""Low-work headers: a chain below -minimumchainwork costs no memory; one that reaches it is
fetched in two passes and then synced."""

import pytest

from framework.blocks import Chain
from framework.messages import MAX_HEADERS, Headers
from framework.node import sync_blocks
from framework.p2p import Peer
from framework.util import wait_until

ENOUGH = 2300         # blocks; more than one message of headers
WORK = 2 * (ENOUGH + 1)


def test_minimum_chain_work(lab, params):
    source = lab.node(params=params)
    node = lab.node(f"-minimumchainwork={WORK:#x}", params=params)
    start = node.log_size()
    source.generatetodescriptor(14, "raw(51)")
    node.connect(source)
    node.wait_log("Ignoring low-work chain (height=14)", start)
    assert [t["height"] for t in node.getchaintips()] == [0]

    # a full message is the beginning of a longer chain, but then it ends
    source.generatetodescriptor(ENOUGH - 1 - 14, "raw(51)")
    node.disconnect(source)
    node.connect(source)
    node.wait_log("presync phase", start)
    node.wait_log("Initial headers sync complete", start)
    assert [t["height"] for t in node.getchaintips()] == [0]
    assert node.getblockcount() == 0

    # one block more is enough
    source.generatetodescriptor(1, "raw(51)")
    node.disconnect(source)
    node.connect(source)
    sync_blocks([source, node])
    assert node.getpeerinfo()[0]["presynced_headers"] == -1


def test_chain_that_is_too_short_is_not_served(lab, params):
    low = lab.node("-minimumchainwork=0x1000", params=params)
    low.generatetodescriptor(3, "raw(51)")
    node = lab.node(params=params)
    start, begin = low.log_size(), node.log_size()
    node.connect(low)
    low.wait_log("because active chain has too little work; sending empty response", start)
    node.wait_log("received: headers (1 bytes) peer=", begin)
    node.sync_validation()
    assert node.getblockcount() == 0
    low.disconnect_peers()
    node.restart("-whitelist=noban@127.0.0.1")
    low.restart("-whitelist=download@127.0.0.1", "-minimumchainwork=0x1000")
    node.connect(low)
    wait_until(lambda: node.getblockcount() == 3)


class HeadersOnly(Peer):
    """Sends what the test tells it to."""

    def on_getheaders(self, msg):
        pass


def _message(peer, headers):
    """Sends headers; the locator of the question they lead to, or None."""
    peer.clear()
    peer.send_and_sync(Headers(headers))
    asked = peer.last.get("getheaders")
    return asked and asked.locator


def _presynced(node):
    return node.getpeerinfo()[0]["presynced_headers"]


@pytest.fixture(scope="module")
def blocks(params):
    return Chain(params).mine(count=ENOUGH)


def test_both_passes_with_a_peer(lab, params, blocks):
    """Two messages and a bit each; the second pass shows another chain first."""
    node = lab.node(f"-minimumchainwork={WORK:#x}", params=params)
    genesis = Chain(params).tip.hash_bytes
    full, rest = blocks[:MAX_HEADERS], blocks[MAX_HEADERS:]
    peer = node.add_peer(HeadersOnly)
    start = node.log_size()
    assert _message(peer, full)[0] == full[-1].hash_bytes
    node.wait_log("Pre-synchronizing blockheaders, height: 2000", start)
    assert _presynced(node) == MAX_HEADERS
    # enough: now from the beginning again
    assert _message(peer, rest)[0] == genesis
    assert _presynced(node) == -1
    start = node.log_size()
    forged = Chain(params).mine(count=MAX_HEADERS, extra=b"\x71")
    _message(peer, forged)
    assert [t["height"] for t in node.getchaintips()] == [0]
    if "Initial headers sync aborted" in node.log(start):       # seven times in eight
        assert _message(peer, full)[0] == full[-1].hash_bytes
        assert _message(peer, rest)[0] == genesis
        assert _message(peer, full)[0] == full[-1].hash_bytes
        _message(peer, rest)
        assert node.getblockchaininfo()["headers"] == ENOUGH
    assert not peer.closed


def test_a_gap_ends_the_sync(lab, params, blocks):
    node = lab.node("-minimumchainwork=0x10000", params=params)
    peer = node.add_peer(HeadersOnly)
    _message(peer, blocks[:MAX_HEADERS])
    start = node.log_size()
    _message(peer, blocks[MAX_HEADERS + 1:])
    node.wait_log("Initial headers sync aborted", start)
    assert _presynced(node) == -1
    # nothing of it was kept
    assert [t["height"] for t in node.getchaintips()] == [0]


def test_nothing_more_ends_the_sync(lab, params, blocks):
    node = lab.node("-minimumchainwork=0x10000", params=params)
    peer = node.add_peer(HeadersOnly)
    _message(peer, blocks[:MAX_HEADERS])
    assert _presynced(node) == MAX_HEADERS
    _message(peer, [])
    assert _presynced(node) == -1


def test_noban_peers_are_believed(lab, params, blocks):
    node = lab.node("-minimumchainwork=0x10000", "-whitelist=noban@127.0.0.1", params=params)
    peer = node.add_peer(HeadersOnly)
    start = node.log_size()
    _message(peer, blocks[:14])
    node.wait_log("Synchronizing blockheaders, height: 14", start)
    assert node.getblockchaininfo()["headers"] == 14
    assert node.getblockcount() == 0          # but not enough to be fetched


def test_large_reorganisations_succeed(lab, params):
    """A branch from far below the tip, which needs two passes by the rule of 144 blocks."""
    node, source = lab.node(params=params), lab.node(params=params)
    node.generatetodescriptor(MAX_HEADERS + 200, "raw(51)")
    source.generatetodescriptor(MAX_HEADERS + 201, "raw(52)")
    start = node.log_size()
    node.connect(source)
    sync_blocks([node, source])
    assert node.getblockcount() == MAX_HEADERS + 201
    node.wait_log("Initial headers sync started with peer=0: height=0, presync phase", start)
