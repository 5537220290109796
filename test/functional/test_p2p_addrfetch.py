"""addr-fetch connections: opened to ask for addresses, closed with the answer."""
import time

import pytest

from framework.messages import Addr, NetAddress


@pytest.fixture
def node(lab, params):
    node = lab.node("-connect=0", params=params)
    node.set_time(int(time.time()))
    return node


def _addr(n, when):
    return Addr([NetAddress(f"192.0.0.{8 + i}", 8333, 9, when) for i in range(n)])


def test_the_answer_ends_it(node):
    peer = node.add_outbound("addr-fetch")
    info = node.getpeerinfo()[0]
    assert info["connection_type"] == "addr-fetch"
    peer.sync()
    assert "getaddr" in peer.count
    assert "getheaders" not in peer.count            # it is no source of blocks
    peer.send_and_sync(_addr(1, node.mocktime))      # only itself: the answer comes later
    start = node.log_size()
    peer.send(_addr(2, node.mocktime))
    node.wait_log("addrfetch connection completed", start)
    peer.wait_disconnect()


def test_silence_ends_it(node):
    peer = node.add_outbound("addr-fetch")
    node.advance(300)
    peer.sync()
    start = node.log_size()
    node.advance(1)
    node.wait_log("addrfetch connection timeout; disconnecting", start)
    peer.wait_disconnect()
