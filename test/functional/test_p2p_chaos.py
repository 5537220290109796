"""A bad network between nodes: partitions that heal, resets, slow and half-open links.

The long form is `make chaos`; see framework/chaos.py."""
import re
import time

import pytest

from framework import namespaces
from framework.chaos import Chaos
from framework.proxy import Network
from framework.util import wait_until


@pytest.fixture(scope="module")
def network():
    network = Network(seed=4)
    yield network
    network.close()


@pytest.fixture(scope="module")
def chaos(module_lab, network):
    return Chaos(module_lab, network, seed=3, count=5, args=("-whitelist=noban@127.0.0.1",))


def test_a_partition_heals(chaos):
    chaos.weather(delay=0.02, rate=500_000, stall=0.02)
    chaos.partition({0, 1})
    lost = [chaos.pay(0), chaos.pay(1)]
    chaos.mine(0, 2)                    # these confirm in the branch that will lose
    won = [chaos.pay(2), chaos.pay(3)]
    chaos.mine(3, 4)
    waiting = chaos.pay(1)              # in the mempool of the losing side only
    heights = [node.getblockcount() for node in chaos.nodes]
    assert heights[0] < heights[3] and \
        chaos.nodes[0].getbestblockhash() != chaos.nodes[3].getbestblockhash()
    chaos.heal()
    chaos.agree()
    assert chaos.nodes[0].getblockcount() == heights[3]
    assert all(chaos.nodes[0].getmempoolentry(t) for t in [*lost, waiting])
    chaos.settle()
    for txid in (*lost, *won, waiting):
        assert not any(txid in node.getrawmempool() for node in chaos.nodes)


def test_connections_come_back_after_resets(chaos):
    for _ in range(3):
        chaos.storm()
        chaos.mine(2)
        chaos.pay(4)
    chaos.check_connected()
    chaos.settle()


def test_a_new_node_syncs_over_a_slow_line(chaos, network, module_lab, bitcoin):
    link = network.link(None, chaos.nodes[0], delay=0.05, rate=120_000, stall=0.05)
    node = module_lab.node(f"-connect={link.address}", params=bitcoin)
    wait_until(lambda: node.getblockcount() >= 3, what="for the first blocks")
    link.reset_all()                    # in the middle
    wait_until(lambda: node.getbestblockhash() == chaos.nodes[0].getbestblockhash())
    assert link.carried > 20_000
    node.stop()


def test_a_half_open_connection_is_found_by_its_silence(network, module_lab, bitcoin):
    far = module_lab.node(params=bitcoin)
    silent, alive = network.link(None, far), network.link(None, far)
    node = module_lab.node(f"-connect={silent.address}", f"-connect={alive.address}",
                           "-peertimeout=60", params=bitcoin)

    def ids(link):
        return [p["id"] for p in node.getpeerinfo()
                if p["addr"] == link.address and p.get("pingtime") is not None]
    wait_until(lambda: ids(silent) and ids(alive), what="for both connections")
    first, other = ids(silent), ids(alive)
    node.set_time(int(time.time()))
    silent.silence()
    silent.refuses = True
    start = node.log_size()

    def pongs():
        return sum(p["bytesrecv_per_msg"]["pong"] for p in node.getpeerinfo()
                   if p["id"] in other)
    for _ in range(10):                 # the peer that is there answers every ping
        before = pongs()
        node.advance(130)
        wait_until(lambda: pongs() > before, what="for the answer to a ping")
    node.wait_log(re.compile(f"socket receive timeout: .* peer={first[0]}\n"), start)
    wait_until(lambda: not any(p["id"] in first for p in node.getpeerinfo()))
    assert ids(alive) == other
    silent.refuses = False              # and it connects again by itself
    wait_until(lambda: ids(silent) and ids(silent) != first)
    node.stop()


def test_a_partition_of_namespaces_heals(lab):
    """The kernel drops packets, and sends them again."""
    why = namespaces.Network.missing()
    if why:
        pytest.skip(why)
    network = namespaces.Network()
    try:
        chaos = Chaos(lab, network, seed=8, count=3)
        chaos.partition({0})
        chaos.mine(0, 1)
        chaos.mine(1, 2)
        assert chaos.nodes[0].getbestblockhash() != chaos.nodes[1].getbestblockhash()
        chaos.settle()
        lab.close()
    finally:
        network.close()
