"""anchors.dat: block-relay-only peers are kept over a clean restart and tried first."""
import os

import pytest

from framework.hashes import hash256
from framework.p2p import Peer
from framework.socks5 import Socks5
from framework.util import wait_until


@pytest.fixture
def node(lab, params):
    return lab.node(params=params)


def _anchors(node):
    return node.path("anchors.dat")


def _tried(node, n):
    return f"{n} block-relay-only anchors will be tried for connections."


def _stop_with_two(node):
    """Returns their ports."""
    for _ in range(3):
        node.add_peer()
    for _ in range(2):
        node.add_outbound("block-relay-only")
    ports = [int(p["addr"].split(":")[1]) for p in node.getpeerinfo()
             if p["connection_type"] == "block-relay-only"]
    node.add_outbound()
    node.rpc.stop()                # while they are connected
    node.wait_exit()
    return ports


def _start(node, *args):
    start = node.log_size()
    node.start(*args)
    return start


def test_anchors_are_kept_and_tried_first(node):
    ports = _stop_with_two(node)
    assert os.path.exists(_anchors(node))
    peers = []
    for port in ports:
        peers.append(Peer(node.params))
        peers[-1].listen(port)
    node.peers += peers
    start = _start(node)
    node.wait_log(_tried(node, 2), start)
    assert not os.path.exists(_anchors(node))
    node.wait_log("Trying to make an anchor connection to 127.0.0.1:", start)
    # Both are in one network group: one connection is made, the other address is left.
    wait_until(lambda: [p["connection_type"] for p in node.getpeerinfo()] ==
               ["block-relay-only"])
    wait_until(lambda: any("verack" in p.last for p in peers))


def test_none_without_block_relay_peers(node):
    node.add_outbound()
    node.rpc.stop()
    node.wait_exit()
    assert os.path.exists(_anchors(node))
    log = node.log(_start(node))
    assert 'Loaded 0 addresses from "anchors.dat"' in log and _tried(node, 0) in log


def test_a_crash_leaves_none(node):
    _stop_with_two(node)
    node.start()
    node.kill()
    assert not os.path.exists(_anchors(node))
    assert _tried(node, 0) in node.log(_start(node))


@pytest.mark.parametrize("damage", [
    lambda b: b[:20] + bytes([b[20] ^ 1]) + b[21:], lambda b: b[:-1], lambda b: b"",
    lambda b: b[:8] + b"\0\0\0\0" + b[12:-32] +
    hash256(b[:8] + b"\0\0\0\0" + b[12:-32]),
])
def test_damaged_file(node, damage):
    _stop_with_two(node)
    with open(_anchors(node), "rb") as f:
        data = f.read()
    with open(_anchors(node), "wb") as f:
        f.write(damage(data))
    log = node.log(_start(node))
    assert _tried(node, 0) in log and f'Ignoring "{_anchors(node)}"' in log
    assert not os.path.exists(_anchors(node))


def test_connect_leaves_the_file_alone(node):
    _stop_with_two(node)
    with open(_anchors(node), "rb") as f:
        before = f.read()
    start = _start(node, "-connect=0")
    assert "anchors will be tried" not in node.log(start)
    node.stop()
    with open(_anchors(node), "rb") as f:
        assert f.read() == before


def test_onion_anchor(lab, params):
    onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
    peer = Peer(params)
    proxy = Socks5(targets={f"{onion}:8333": peer.listen()})
    node = lab.node(f"-onion={proxy.name}", "-v2transport=0", params=params)
    node.addconnection(f"{onion}:8333", "block-relay-only", False)
    assert proxy.next().host == onion
    peer.wait_ready()
    peer.sync()
    node.rpc.stop()
    node.wait_exit()
    again = Peer(params)
    proxy.targets[f"{onion}:8333"] = again.listen()
    start = _start(node)
    node.wait_log(_tried(node, 1), start)
    node.wait_log(f"Trying to make an anchor connection to {onion}:8333", start)
    assert proxy.next().host == onion
    again.wait_ready()
    (info,) = node.getpeerinfo()
    assert (info["connection_type"], info["network"]) == ("block-relay-only", "onion")
    again.close()
    peer.close()
    proxy.close()
