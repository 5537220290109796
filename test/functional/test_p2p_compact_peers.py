"""Compact blocks among several peers: who may announce unasked, several trying at once, nodes
without a mempool, and what a block costs on the wire between equal mempools."""
import pytest

from framework import fixtures
from framework.blocks import Chain
from framework.messages import (BlockMsg, BlockTxn, CmpctBlock, GetData, GetHeaders, Headers,
                                Inv, MSG_BLOCK, MSG_CMPCT_BLOCK, MSG_WITNESS_BLOCK, SendCmpct)
from framework.node import sync_blocks
from framework.p2p import Peer
from framework.primitives import from_hex
from framework.util import wait_until
from framework.wallet import MiniWallet


class Miner(Peer):
    """Speaks compact blocks; sends what it is told to."""

    def on_getheaders(self, msg):
        self.send(Headers([]))

    def on_inv(self, msg):
        pass

    def on_verack(self, msg):
        self.send(SendCmpct(False, 2))

    def chosen(self):
        """Whether the node wants our blocks unasked; as its last sendcmpct says."""
        self.sync()
        return self.last["sendcmpct"].announce


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(115)


@pytest.fixture(autouse=True)
def alone(node):
    node.disconnect_peers()


def _give(node, peer):
    """The peer is the first to bring a new tip."""
    block = Chain.of(node).next(extra=b"%d" % node.log_size())
    peer.send(Headers([block]))
    peer.wait_for("getdata")
    peer.send_and_sync(BlockMsg(block))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    peer.clear()


def _chosen(node):
    return [p["bip152_hb_to"] for p in node.getpeerinfo()]


# -- Three announce unasked ----------------------------------------------------

def _give_and_look(node, peer):
    _give(node, peer)
    return _chosen(node)


def test_the_last_three_that_brought_a_block(node, wallet):
    peers = [node.add_outbound(cls=Miner) for _ in range(5)]
    assert _chosen(node) == [False] * 5
    assert _give_and_look(node, peers[0]) == [True, False, False, False, False]
    assert _give_and_look(node, peers[1]) == [True, True, False, False, False]
    assert _give_and_look(node, peers[2]) == [True, True, True, False, False]
    # who is chosen already moves back in the queue
    assert _give_and_look(node, peers[0]) == [True, True, True, False, False]
    peers[1].clear()
    assert _give_and_look(node, peers[3]) == [True, False, True, True, False]
    assert peers[1].wait_for("sendcmpct").announce is False
    assert _give_and_look(node, peers[4]) == [True, False, False, True, True]


def test_the_last_outgoing_one_stays(node, wallet):
    outbound = node.add_outbound(cls=Miner)
    inbound = [node.add_peer(Miner) for _ in range(4)]
    assert _give_and_look(node, outbound) == [True, False, False, False, False]
    for i in range(3):
        _give(node, inbound[i])
    assert _chosen(node) == [True, False, True, True, False]
    assert _give_and_look(node, inbound[3]) == [True, False, False, True, True]
    # a second outgoing one may take its place
    other = node.add_outbound(cls=Miner)
    _give(node, other)
    assert sum(_chosen(node)) == 3 and _chosen(node)[5]


def test_peers_without_compact_blocks_are_not_chosen(node, wallet):
    peer = node.add_outbound()
    block = Chain.of(node).next(extra=b"\x61")
    peer.send(Headers([block]))
    peer.wait_for("getdata")
    peer.send_and_sync(BlockMsg(block))
    assert _chosen(node) == [False]


def test_block_relay_only_peers_are_chosen(node, wallet):
    peer = node.add_outbound("block-relay-only", cls=Miner)
    assert _give_and_look(node, peer) == [True]


# -- Several at once ---------------------------------------------------------------

@pytest.fixture
def block(node, wallet):
    """With four transactions that the node has not seen."""
    txs = [wallet.create(confirmed_only=True) for _ in range(4)]
    yield Chain.of(node).next(txs, witness=True)
    wallet.rescan()


def _ask(peer, block):
    """Announces it; what is asked for then."""
    peer.clear()
    peer.send_and_sync(CmpctBlock.of(block))
    asked = peer.last.get("getblocktxn")
    return asked and asked.indexes


def test_another_peer_finishes_what_the_first_began(node, wallet, block):
    first, second = node.add_peer(Miner), node.add_peer(Miner)
    assert _ask(first, block) == [1, 2, 3, 4]
    # the second one helps only when nothing has to be asked
    assert _ask(second, block) is None
    for tx in block.txs[1:]:
        node.sendrawtransaction(tx.hex())
    assert node.getbestblockhash() != block.hash
    assert _ask(second, block) is None
    assert node.getbestblockhash() == block.hash
    # what the first one sends now is too late, and no harm
    first.send_and_sync(BlockTxn(block.hash_bytes, block.txs[1:]))


def test_three_chosen_peers_are_asked_in_parallel(node, wallet, block):
    """One place of the three is for an outgoing peer."""
    chosen = [node.add_peer(Miner) for _ in range(2)]
    outbound = node.add_outbound(cls=Miner)
    for p in [*chosen, outbound]:
        _give(node, p)
    block = Chain.of(node).next(block.txs[1:], witness=True)
    late = node.add_peer(Miner)
    assert _ask(late, block) == [1, 2, 3, 4]           # the first, chosen or not
    assert _ask(chosen[0], block) == [1, 2, 3, 4]
    assert _ask(chosen[1], block) is None              # kept free
    assert _ask(outbound, block) == [1, 2, 3, 4]
    assert _ask(chosen[1], block) is None
    assert [len(p["inflight"]) for p in node.getpeerinfo()] == [1, 0, 1, 1]
    # any of them finishes it
    outbound.send(BlockTxn(block.hash_bytes, block.txs[1:]))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    wait_until(lambda: [p["inflight"] for p in node.getpeerinfo()] == [[]] * 4)


def test_parallel_ones_that_fail_do_not_stop_the_first(node, wallet, block):
    outbound, first = node.add_outbound(cls=Miner), node.add_peer(Miner)
    _give(node, outbound)
    block = Chain.of(node).next(block.txs[1:], witness=True)
    assert _ask(first, block) == [1, 2, 3, 4]
    assert _ask(outbound, block) == [1, 2, 3, 4]
    start = node.log_size()
    outbound.send_and_sync(BlockTxn(block.hash_bytes, block.txs[:0:-1]))
    node.wait_log("it failed to reconstruct, waiting on first download to complete", start)
    assert "getdata" not in outbound.count
    first.send(BlockTxn(block.hash_bytes, block.txs[1:]))
    wait_until(lambda: node.getbestblockhash() == block.hash)


# -- Without a mempool ----------------------------------------------------------------

def test_blocksonly_nodes_want_whole_blocks(lab, node, wallet, params):
    """And nobody's compact ones unasked; but they give them to others."""
    quiet = lab.node("-blocksonly", params=params)
    for h in range(1, node.getblockcount() + 1):
        quiet.submitblock(node.getblock(node.getblockhash(h), 0))
    for kind in ("outbound-full-relay", "block-relay-only"):
        peer = quiet.add_outbound(kind, cls=Miner)
        assert peer.chosen() is False
        block = Chain.of(quiet).next(extra=kind.encode()[:3])
        peer.clear()
        peer.send(Headers([block]))
        assert peer.wait_for("getdata").items == [Inv(MSG_WITNESS_BLOCK, block.hash_bytes)]
        peer.send_and_sync(BlockMsg(block))
        assert quiet.getbestblockhash() == block.hash
        assert not any(_chosen(quiet))
        peer.send(GetData([Inv(MSG_CMPCT_BLOCK, block.hash_bytes)]))
        assert peer.wait_for("cmpctblock").header.hash == block.hash
    # a node with a mempool asks a block-relay-only peer for the compact form
    peer = node.add_outbound("block-relay-only", cls=Miner)
    block = Chain.of(node).next(extra=b"\x62")
    peer.clear()
    peer.send(Headers([block]))
    assert peer.wait_for("getdata").items == [Inv(MSG_CMPCT_BLOCK, block.hash_bytes)]
    peer.send_and_sync(BlockMsg(block))


def test_peers_without_witnesses(node, wallet):
    """Blocks with witnesses cannot come from them."""
    peer = node.add_peer(Miner, services=1)
    block = Chain.of(node).next(extra=b"\x63")
    peer.clear()
    peer.send_and_sync(Headers([block]), GetHeaders([from_hex(node.getbestblockhash())]))
    assert not any(i.kind & ~(1 << 30) in (MSG_BLOCK, MSG_CMPCT_BLOCK)
                   for m in peer.received("getdata") for i in m.items)


# -- On the wire -------------------------------------------------------------------------

def test_a_block_between_equal_mempools(lab, params):
    """Six octets a transaction, one message, no question; the new tip without a round trip."""
    miner, node = lab.node(params=params), lab.node(params=params)
    wallet = MiniWallet(miner)
    wallet.generate(104)
    split = wallet.send(outputs=400, confirmed_only=True)
    node.connect(miner)
    wallet.generate(1)
    sync_blocks([miner, node])
    coins = [wallet.get_utxo(split.txid, i) for i in range(400)]
    txs = [wallet.create(utxos=c).hex() for c in coins]
    for n in (miner, node):
        n.rpc.batch([("sendrawtransaction", [t]) for t in txs])
        assert n.getmempoolinfo()["size"] == len(txs)
    miner.generateblock("raw(51)", [])
    sync_blocks([miner, node])
    wait_until(lambda: _chosen(node) == [True])
    before = node.getpeerinfo()[0]["bytesrecv_per_msg"]
    miner.generatetodescriptor(1, "raw(51)")
    sync_blocks([miner, node])
    (info,) = node.getpeerinfo()
    after = info["bytesrecv_per_msg"]
    grown = {k: n - before.get(k, 0) for k, n in after.items()
             if n != before.get(k, 0) and k not in ("ping", "pong", "inv")}
    assert node.getmempoolinfo()["size"] == 0
    assert list(grown) == ["cmpctblock"]
    assert grown["cmpctblock"] <= 6 * len(txs) + 1000
    assert "getblocktxn" not in info["bytessent_per_msg"]
