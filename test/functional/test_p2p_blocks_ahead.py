"""Blocks that wait in a peer's queue are parsed before their turn; that must not show, whatever is
wrong with one of them."""
import pytest

from framework.blocks import Chain
from framework.messages import BlockMsg, Headers, Ping, Raw
from framework.p2p import Peer
from framework.util import wait_until
from framework.wallet import MiniWallet


class Quiet(Peer):
    def on_getheaders(self, msg):
        self.send(Headers([]))

    def on_inv(self, msg):
        pass


@pytest.fixture(scope="module", params=("-par=1", "-par=3", "-capturemessages"))
def node(request, module_lab, params):
    """Without workers, with some, and as it has to be for captures."""
    node = module_lab.node(request.param, params=params)
    MiniWallet(node).generate(102)
    return node


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    return node.add_peer(Quiet)


@pytest.fixture
def blocks(node, peer):
    """The next ones, which the node has asked the peer for."""
    blocks = Chain.of(node).mine(count=6, extra=b"%d" % node.log_size())
    peer.send_and_sync(Headers(blocks))
    assert sum(len(m.items) for m in peer.received("getdata")) == len(blocks)
    return blocks


def _height(node, block):
    """Waits until that block is the tip."""
    wait_until(lambda: node.getbestblockhash() == block.hash)


def test_all_at_once(node, peer, blocks):
    peer.send_and_sync(*map(BlockMsg, blocks))
    _height(node, blocks[-1])


def test_other_messages_between_keep_their_order(node, peer, blocks):
    messages = []
    for i, b in enumerate(blocks):
        messages += [BlockMsg(b), Ping(1000 + i)]
    peer.clear()
    peer.send_and_sync(*messages)
    pongs = [m.value for m in peer.received("pong")]
    assert pongs[:6] == [1000 + i for i in range(6)]
    assert node.getbestblockhash() == blocks[-1].hash


def test_octets_that_are_no_block(node, peer, blocks):
    """They begin with the header of one that was asked for."""
    start = node.log_size()
    cut = Raw("block", blocks[1].serialize()[:-5])
    peer.send_and_sync(BlockMsg(blocks[0]), cut, Raw("block", b"\x00" * 7), BlockMsg(blocks[2]))
    assert node.getbestblockhash() == blocks[0].hash
    assert node.log(start).count("Exception 'end of data' caught") == 2
    peer.send_and_sync(*map(BlockMsg, [blocks[1], *blocks[3:]]))
    _height(node, blocks[-1])


def test_a_mutated_one_in_the_middle(node, peer, blocks):
    bad = blocks[1].copy()
    bad.txs.append(bad.txs[0])
    peer.send(BlockMsg(blocks[0]), BlockMsg(bad), *map(BlockMsg, blocks[2:]))
    peer.wait_disconnect()
    assert node.getbestblockhash() == blocks[0].hash
    other = node.add_peer(Quiet)
    other.send_and_sync(Headers(blocks[1:]))
    other.send_and_sync(*map(BlockMsg, blocks[1:]))
    _height(node, blocks[-1])


def test_an_invalid_one_in_the_middle(node, peer):
    chain = Chain.of(node)
    good = chain.next(extra=b"\x71")
    bad = Chain(chain.params, [*chain.blocks], [*chain.states])
    bad.append(good)
    (worse,) = bad.mine(value=node.params.max_coinbase(bad.height + 1) + 1)
    (last,) = bad.mine()
    peer.send_and_sync(Headers([good, worse, last]))
    peer.send(*map(BlockMsg, (good, worse, last)))
    peer.wait_disconnect()
    assert node.getbestblockhash() == good.hash


def test_who_hangs_up_behind_it(node, peer, blocks):
    """What had come before counts."""
    peer.send(*map(BlockMsg, blocks))
    wait_until(lambda: node.getbestblockhash() in [b.hash for b in blocks])
    peer.close()
    wait_until(lambda: not node.getpeerinfo())
