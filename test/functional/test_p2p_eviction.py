"""Who makes room when all incoming slots are taken: never those that proved useful."""
import time

from framework.blocks import Chain
from framework.messages import BlockMsg, Pong, TxMsg
from framework.p2p import Peer
from framework.params import OCHRE
from framework.util import wait_until
from framework.wallet import MiniWallet

SLOTS = 32 - 11            # -maxconnections less the outgoing ones


class SlowPeer(Peer):
    """Answers the first ping when it is told to."""

    def on_ping(self, msg):
        pass

    def answer(self):
        self.send(Pong(self.wait_for("ping").value))


def _ids(node):
    return {p["id"] for p in node.getpeerinfo()}


def _add(node, cls=Peer):
    before = _ids(node)
    peer = node.add_peer(cls, ready=False)
    peer.wait_ready()
    (peer.id,) = _ids(node) - before
    return peer


def _answered(node):
    """How long the answer of each peer took, once it came."""
    return {p["id"]: p["minping"] for p in node.getpeerinfo() if "minping" in p}


def test_useful_peers_stay(lab):
    node = lab.node("-maxconnections=32", params=OCHRE)
    node.set_time(int(time.time()))
    wallet = MiniWallet(node)
    wallet.generate(105)
    useful = {}
    for _ in range(4):                         # they brought blocks
        peer = _add(node, SlowPeer)
        block = Chain.of(node).next()
        peer.send_and_sync(BlockMsg(block))
        assert node.getbestblockhash() == block.hash
        useful[peer.id] = "block"
    for _ in range(5):                         # nothing speaks for these
        _add(node, SlowPeer)
    for _ in range(4):                         # they brought transactions
        peer = _add(node, SlowPeer)
        peer.send_and_sync(TxMsg(wallet.create(confirmed_only=True)))
        useful[peer.id] = "transaction"
    for _ in range(8):                         # they answer fast
        useful[_add(node).id] = "ping"
    wait_until(lambda: len(_answered(node)) == 8)
    node.advance(1)
    for peer in node.peers:
        if isinstance(peer, SlowPeer):
            peer.answer()
    wait_until(lambda: len(_answered(node)) == SLOTS)
    pings = _answered(node)
    assert len(pings) == SLOTS
    start = node.log_size()
    newcomer = _add(node)
    node.wait_log("selected inbound connection for eviction, disconnecting peer=", start)
    wait_until(lambda: len(_ids(node)) == SLOTS)
    (gone,) = set(pings) - _ids(node)
    assert gone not in useful, useful.get(gone)
    assert not newcomer.closed
