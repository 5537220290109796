"""Nodes that keep the last blocks only (BIP 159): what they say, what they serve, and what is
asked of them."""
import pytest

from framework.blocks import Chain
from framework.messages import (GetData, Headers, Inv, MSG_WITNESS_BLOCK, NODE_NETWORK,
                                NODE_NETWORK_LIMITED, NODE_WITNESS)
from framework.node import sync_blocks
from framework.p2p import RelayPeer
from framework.primitives import from_hex
from framework.util import wait_until

KEPT, SLACK = 288, 2
LIMITED = NODE_NETWORK_LIMITED | NODE_WITNESS


@pytest.fixture(scope="module")
def pruned(module_lab, params):
    node = module_lab.node("-prune=550", params=params)
    node.generatetodescriptor(KEPT + SLACK + 2, "raw(51)")
    return node


def _ask(node, peer, height):
    peer.send(GetData([Inv(MSG_WITNESS_BLOCK, from_hex(node.getblockhash(height)))]))


def test_what_a_pruned_node_says_of_itself(pruned):
    peer = pruned.add_peer()
    services = peer.last["version"].services
    assert services & NODE_NETWORK_LIMITED and not services & NODE_NETWORK
    names = pruned.getnetworkinfo()["localservicesnames"]
    assert "NETWORK_LIMITED" in names and "NETWORK" not in names


def test_what_it_serves(pruned):
    tip = pruned.getblockcount()
    peer = pruned.add_peer()
    _ask(pruned, peer, tip - KEPT - SLACK)
    peer.wait_for("block")
    start = pruned.log_size()
    _ask(pruned, peer, tip - KEPT - SLACK - 1)
    peer.wait_disconnect()
    pruned.wait_log("Ignore block request below NODE_NETWORK_LIMITED threshold, "
                    "disconnect peer=", start)


def test_noban_peers_may_ask_for_all_there_is(pruned):
    pruned.restart("-whitelist=noban@127.0.0.1")
    peer = pruned.add_peer()
    _ask(pruned, peer, 1)
    assert peer.wait_for("block").block.hash == pruned.getblockhash(1)
    pruned.restart()


def test_a_new_node_does_not_sync_from_it(lab, params, pruned):
    """Until another one gives the beginning."""
    new = lab.node(params=params)
    new.connect(pruned)
    wait_until(lambda: new.getblockchaininfo()["headers"] == pruned.getblockcount())
    (info,) = new.getpeerinfo()
    assert new.getblockcount() == 0 and info["inflight"] == []
    full = lab.node(params=params)
    chain = Chain.of(pruned)
    for b in chain.blocks[1:]:
        full.submitblock(b.hex())
    new.connect(full)
    sync_blocks([new, full])
    # close to the tip a pruned node is as good as any
    new.disconnect(full)
    pruned.generatetodescriptor(2, "raw(51)")
    sync_blocks([new, pruned])


def test_only_what_it_has_is_asked_of_it(lab, params):
    """A node that was away for longer than the window asks for the last blocks only."""
    node = lab.node(params=params)
    node.generatetodescriptor(1, "raw(51)")
    assert not node.getblockchaininfo()["initialblockdownload"]
    blocks = Chain.of(node).mine(count=KEPT + 20)
    peer = node.add_outbound(cls=RelayPeer, services=LIMITED)
    peer.add_blocks(blocks)
    peer.send_and_sync(Headers(blocks))
    def asked():
        return [i.hash for m in peer.received("getdata") for i in m.items]
    first = len(blocks) - (KEPT - SLACK)
    wait_until(lambda: len(asked()) == KEPT - SLACK)
    peer.sync()
    assert asked() == [b.hash_bytes for b in blocks[first:]]
    assert node.getblockcount() == 1
    # a full node has the rest
    full = node.add_outbound(cls=RelayPeer)
    full.add_blocks(blocks)
    full.send(Headers(blocks))
    wait_until(lambda: node.getbestblockhash() == blocks[-1].hash)
