"""Answers to getaddr are the same for a day for callers of one kind, so that nobody sees
the address tables change by asking often."""
import time

import pytest

from framework.messages import Getaddr
from framework.p2p import Peer
from framework.params import OCHRE
from framework.util import free_port

DAY = 24 * 60 * 60


class Asker(Peer):
    def answer(self, node):
        self.send_and_sync(Getaddr())
        node.advance(20 * 60)    # much more than the mean delay of 30 s
        msg = self.wait_for("addrv2")
        return {(a.ip, a.port) for a in msg.items}


@pytest.fixture
def node(lab):
    second = free_port()
    white = free_port()
    node = lab.node(f"-bind=127.0.0.1:{second}", f"-whitebind=addr@127.0.0.1:{white}",
                    "-connect=0", params=OCHRE)   # no calls to the addresses we invent
    node.second, node.white = second, white
    node.set_time(int(time.time()))
    for i in range(1500):
        node.addpeeraddress(f"{11 + i % 180}.{i // 180}.3.4", 8333)
    return node


def _ask(node, port=None):
    peer = Asker(node.params, now=node.mocktime)
    peer.connect(port or node.p2p_port)
    node.peers.append(peer)
    peer.wait_ready()
    got = peer.answer(node)
    peer.close()
    return got


def test_answers_are_kept_by_address_of_ours(node):
    first = _ask(node)
    total = node.getaddrmaninfo()["all_networks"]["total"]
    assert 0 < len(first) <= total * 23 // 100
    assert all(_ask(node) == first for _ in range(2))
    other = _ask(node, node.second)
    assert other != first and _ask(node, node.second) == other
    white = _ask(node, node.white)                 # trusted ones see what is there
    assert _ask(node, node.white) != white
    node.advance(2 * DAY)
    assert _ask(node) != first
