"""getblockfrompeer: whom a block can be asked of, what is refused, and pruned blocks that come
back."""
import pytest

from framework.blocks import Chain
from framework.messages import BlockMsg, Headers, Inv, MSG_WITNESS_BLOCK, NODE_NETWORK
from framework.node import sync_blocks
from framework.p2p import Peer, RelayPeer
from framework.rpc import RPCError, expect_error
from framework.util import wait_until

PARALLEL = 20        # more than the node asks one peer for by itself


class Mute(Peer):
    def on_getheaders(self, msg):
        pass


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params)
    node.generatetodescriptor(PARALLEL + 5, "raw(51)")
    return node


@pytest.fixture
def branch(node):
    """Blocks of less work than ours, so that the node fetches none by itself."""
    peer = node.add_peer(Mute)
    fork = Chain.of(node).fork(1)
    blocks = fork.mine(count=PARALLEL, extra=b"%d" % node.log_size())
    peer.send_and_sync(Headers(blocks))
    yield blocks
    node.disconnect_peers()


def _id(node):
    return node.getpeerinfo()[-1]["id"]


def _has(node, block):
    try:
        node.getblock(block.hash)
        return True
    except RPCError:
        return False


def _asked(peer):
    return [i for m in peer.received("getdata") for i in m.items]


def test_arguments(node, branch):
    expect_error(-8, "blockhash must be of length 64 (not 4, for '1234')",
                 node.getblockfrompeer, "1234", 0)
    expect_error(-3, "JSON value of type number is not of expected type string",
                 node.getblockfrompeer, 1234, 0)
    expect_error(-3, "JSON value of type string is not of expected type number",
                 node.getblockfrompeer, branch[0].hash, "0")
    expect_error(-1, "Block header missing", node.getblockfrompeer, "00" * 32, 0)
    expect_error(-1, "Peer does not exist", node.getblockfrompeer, branch[0].hash,
                 _id(node) + 1)
    expect_error(-1, "Block already downloaded", node.getblockfrompeer,
                 node.getbestblockhash(), _id(node))


def test_peers_without_witnesses_are_not_asked(node, branch):
    node.add_peer(services=NODE_NETWORK)
    expect_error(-1, "Pre-SegWit peer", node.getblockfrompeer, branch[0].hash, _id(node))


def test_a_block_of_a_branch(node, branch):
    peer = node.add_peer(RelayPeer)
    peer.add_blocks(branch)
    start = node.log_size()
    assert not _has(node, branch[0])
    assert node.getblockfrompeer(branch[0].hash, _id(node)) == {}
    node.wait_log(f"Requesting block {branch[0].hash} from peer={_id(node)}", start)
    wait_until(lambda: _has(node, branch[0]))
    assert _asked(peer) == [Inv(MSG_WITNESS_BLOCK, branch[0].hash_bytes)]
    expect_error(-1, "Block already downloaded", node.getblockfrompeer, branch[0].hash,
                 _id(node))


def test_many_blocks_of_one_peer(node, branch):
    peer = node.add_peer(Mute)
    for b in branch:
        assert node.getblockfrompeer(b.hash, _id(node)) == {}
    assert node.getpeerinfo()[-1]["inflight"] == list(range(2, PARALLEL + 2))
    for b in branch:
        expect_error(-1, "Already requested from this peer", node.getblockfrompeer, b.hash,
                     _id(node))
    peer.wait(lambda p: len(_asked(p)) == PARALLEL)
    peer.send_and_sync(*map(BlockMsg, branch))
    assert node.getpeerinfo()[-1]["inflight"] == []
    assert all(_has(node, b) for b in branch)


def test_another_peer_takes_over(node, branch):
    first = node.add_peer(Mute)
    node.getblockfrompeer(branch[0].hash, _id(node))
    first.wait_for("getdata")
    second = node.add_peer(Mute)
    node.getblockfrompeer(branch[0].hash, _id(node))
    second.wait_for("getdata")
    assert [p["inflight"] for p in node.getpeerinfo()][-2:] == [[], [2]]
    second.send_and_sync(BlockMsg(branch[0]))
    assert _has(node, branch[0]) and not first.closed


def test_pruned_blocks(lab, params):
    """One that was pruned can be fetched again, one ahead of the tip would never be pruned."""
    full = lab.node(params=params)
    pruned = lab.node("-prune=1", "-fastprune", params=params)
    full.generatetodescriptor(700, "raw(51)")
    pruned.connect(full)
    sync_blocks([full, pruned])
    old = Chain.of(full).blocks[2]
    assert pruned.pruneblockchain(400) > 2
    height = pruned.getblockchaininfo()["pruneheight"]
    expect_error(-1, "Block not available (pruned data)", pruned.getblock, old.hash)
    assert pruned.getblockfrompeer(old.hash, _id(pruned)) == {}
    wait_until(lambda: _has(pruned, old))
    assert pruned.getblockchaininfo()["pruneheight"] == height
    pruned.disconnect(full)
    peer = pruned.add_peer(Mute)
    ahead = Chain.of(full).mine(count=2, extra=b"\x72")
    peer.send_and_sync(Headers(ahead))
    expect_error(-1, "In prune mode, only blocks that the node has already synced previously "
                 "can be fetched from a peer", pruned.getblockfrompeer, ahead[1].hash,
                 _id(pruned))
