"""Whom the node connects to by itself. A SOCKS5 proxy of the test's brings it to peers of
ours, whatever address it picks."""
import socket
import threading
import time

import pytest

from framework.blocks import Chain
from framework.messages import Headers
from framework.p2p import Peer
from framework.params import OCHRE
from framework.socks5 import Socks5
from framework.sockets import callers
from framework.util import wait_until

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
CHECK = 46                  # seconds until superfluous peers are looked for again


class Synced(Peer):
    """Knows the node's chain."""
    headers = ()

    def on_getheaders(self, msg):
        self.send(Headers(self.headers))


class World:
    """A node that knows many addresses, and what answers at each."""

    def __init__(self, lab):
        self.proxy = Socks5()
        self.node = lab.node("-v2transport=0", "-checkaddrman=1", "-test=addrman",
                             f"-proxy={self.proxy.name}", params=OCHRE)
        self.node.set_time(int(time.time()))
        self.mine()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=50)
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        for sock in callers(self.server):
            peer = Synced(OCHRE, now=self.node.mocktime)
            peer.inbound = False
            self.node.peers.append(peer)
            peer._start(sock)

    def close(self):
        self.server.close()
        self.proxy.close()

    def mine(self):
        self.node.generatetodescriptor(1, "raw(51)")
        Synced.headers = Chain.of(self.node).blocks[1:]

    def add(self, *hosts):
        for host in hosts:
            self.proxy.targets[f"{host}:8333"] = self.server.getsockname()[1]
            assert self.node.addpeeraddress(host, 8333)["success"]

    def count(self, kind):
        return len(self.of(kind))

    def of(self, kind):
        return [p for p in self.node.getpeerinfo() if p["connection_type"] == kind]

    def hosts(self):
        return {p["addr"].rsplit(":", 1)[0] for p in self.node.getpeerinfo()}

    def complete(self):
        """Eight full peers and two for blocks only, all ready."""
        wait_until(lambda: self.count("outbound-full-relay") == 8 and
                   self.count("block-relay-only") == 2)
        wait_until(lambda: all(p["bytesrecv_per_msg"].get("verack")
                               for p in self.node.getpeerinfo()))

    def advance_until(self, predicate, step=120, most=100, check=False):
        """Time passes until it is so; what happens by chance may need some."""
        for _ in range(most):
            if predicate():
                return
            self.node.advance(step)
            if check:
                self.mine()                 # else the tip would be stale
                self.node.mockscheduler(CHECK)
            time.sleep(0.6)                 # attempts are half a second apart
        pytest.fail("it never came to pass")


@pytest.fixture(scope="module")
def world(module_lab):
    world = World(module_lab)
    world.add(*(f"{11 + i}.0.1.1" for i in range(12)))
    world.add(*(f"11.0.{i}.9" for i in range(5)))    # all in the group of the first
    world.complete()
    yield world
    world.close()


def test_one_peer_for_each_network_group(world):
    groups = [h.split(".")[0] for h in world.hosts()]
    assert len(groups) == len(set(groups)) == 10
    assert len(world.proxy.requests.queue) == 10      # and nothing else was tried


def test_feelers_try_new_addresses(world):
    node = world.node
    start = node.log_size()
    tried = node.getaddrmaninfo()["all_networks"]["tried"]
    assert tried == 10
    world.advance_until(lambda: "feeler connection completed" in node.log(start))
    assert "Making feeler connection to " in node.log(start)
    wait_until(lambda: node.getaddrmaninfo()["all_networks"]["tried"] > tried)
    assert world.count("outbound-full-relay") == 8


def test_another_block_relay_peer_now_and_then(world):
    node = world.node
    world.mine()
    start = node.log_size()
    node.mockscheduler(CHECK)                # the node is in sync
    world.add(*(f"{40 + i}.1.1.1" for i in range(6)))
    world.advance_until(lambda: world.count("block-relay-only") == 3)
    youngest = world.of("block-relay-only")[-1]["id"]
    wait_until(lambda: world.of("block-relay-only")[-1]["bytesrecv_per_msg"].get("verack"))
    node.advance(31)
    node.mockscheduler(CHECK)
    node.wait_log(f"disconnecting extra block-relay-only peer={youngest} (last block "
                  "received at time 0)", start)
    wait_until(lambda: world.count("block-relay-only") == 2)


def test_another_full_peer_when_the_tip_is_stale(world):
    node = world.node
    start = node.log_size()
    world.add(*(f"{60 + i}.1.1.1" for i in range(6)))
    node.advance(11 * 60 + 3 * OCHRE.spacing)
    node.mockscheduler(CHECK)
    node.wait_log("Potential stale tip detected, will try using extra outbound peer (last "
                  "tip update: ", start)
    wait_until(lambda: world.count("outbound-full-relay") == 9)
    wait_until(lambda: all(p["bytesrecv_per_msg"].get("verack")
                           for p in world.of("outbound-full-relay")))
    node.advance(31)
    node.mockscheduler(CHECK)
    node.wait_log("disconnecting extra outbound peer=", start)
    wait_until(lambda: world.count("outbound-full-relay") == 8)


def test_a_peer_in_every_network(world):
    node = world.node
    start = node.log_size()
    world.mine()
    world.add(ONION)

    def connected():
        return [p for p in world.of("outbound-full-relay") if p["network"] == "onion"]
    world.advance_until(connected, check=True)
    assert (f"Making network specific connection to {ONION}:8333 on onion."
            in node.log(start))
    wait_until(lambda: connected()[0]["bytesrecv_per_msg"].get("verack"))
    node.advance(31)
    node.mockscheduler(CHECK)
    node.wait_log("disconnecting extra outbound peer=", start)
    wait_until(lambda: world.count("outbound-full-relay") == 8)
    assert connected()                      # it stays: there is no other of its network
