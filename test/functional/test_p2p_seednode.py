"""Seed nodes and the fixed list: asked when the address manager is of no help."""
import time

import pytest

from framework.messages import Addrv2, NetAddress
from framework.p2p import Peer
from framework.util import wait_until


@pytest.fixture
def node(lab, params):
    return lab.node("-v2transport=0", params=params, start=False)


@pytest.mark.parametrize("args, ignored", [
    (["-connect=fakenode.invalid", "-seednode=fakenode2.invalid"], ["-seednode"]),
    (["-connect=0", "-seednode=fakenode2.invalid"], []),
    (["-noconnect", "-seednode=fakenode2.invalid"], []),
    (["-connect=fakenode.invalid", "-dnsseed", "-proxy=127.0.0.1:1"], ["-dnsseed"]),
    (["-connect=fakenode.invalid", "-dnsseed"], []),
    (["-connect=fakenode.invalid", "-dnsseed=0", "-proxy=127.0.0.1:1"], []),
    (["-seednode=fakenode2.invalid", "-proxy=127.0.0.1:1"], [])])
def test_what_connect_makes_useless(node, args, ignored):
    start = node.log_size()
    node.start(*args)
    log = node.log(start)
    for option, line in (("-seednode", "-seednode is ignored when -connect is used"),
                         ("-dnsseed", "-dnsseed is ignored when -connect is used and -proxy "
                                      "is specified")):
        assert (line in log) == (option in ignored)


class Seed(Peer):
    """Answers getaddr with two addresses."""

    def on_getaddr(self, msg):
        self.send(Addrv2([NetAddress(f"123.4.5.{i}", 8333, 9, int(self.now))
                          for i in (1, 2)]))


def test_empty_address_manager(node):
    seed = Seed(node.params, now=time.time())
    port = seed.listen()
    start = node.log_size()
    node.start(f"-seednode=127.0.0.1:{port}")
    node.wait_log(f"Empty addrman, adding seednode (127.0.0.1:{port}) to addrfetch", start)
    node.wait_log("addrfetch connection completed", start)
    seed.wait_disconnect()
    assert {a["address"] for a in node.getnodeaddresses(0)} == {"123.4.5.1", "123.4.5.2"}


def test_addresses_are_tried_first(node):
    node.start()
    node.addpeeraddress("192.0.0.8", 8333)
    node.stop()
    seed = Seed(node.params)
    port = seed.listen()
    start = node.log_size()
    node.start(f"-seednode=127.0.0.1:{port}")
    wait_until(lambda: "Fixed seeds" in node.log(start) or node.getaddrmaninfo())
    assert "adding seednode" not in node.log(start).lower()
    node.advance(11)
    node.wait_log("Couldn't connect to peers from addrman after 10 seconds. Adding seednode "
                  f"(127.0.0.1:{port}) to addrfetch", start)
    seed.wait_for("getaddr")
    seed.close()


def test_seed_nodes_before_dns(node):
    start = node.log_size()
    node.start("-seednode=127.0.0.1:1", "-dnsseed=1")
    node.wait_log("-seednode enabled. Trying the provided seeds for 30 seconds before "
                  "defaulting to the dnsseeds.", start)
    assert "Loading addresses from DNS seed" not in node.log(start)
    node.advance(31)
    node.wait_log("Couldn't connect to enough peers via seed nodes. Handing fetch logic to "
                  "the DNS seeds.", start)
    node.wait_log("Loading addresses from DNS seed", start)


def test_seed_nodes_were_enough(node):
    start = node.log_size()
    node.start("-seednode=127.0.0.1:1", "-dnsseed=1")
    node.addpeeraddress("192.0.0.8", 8333)
    for _ in range(2):
        node.add_outbound()
    node.wait_log("P2P peers available. Finished fetching data from seed nodes.", start)
    node.wait_log("Skipping DNS seeds. Enough peers have been found", start)


def test_fixed_seeds(node):
    start = node.log_size()
    node.start("-fixedseeds=0")
    node.wait_log("Fixed seeds are disabled", start)
    node.stop()
    start = node.log_size()
    node.start()
    node.wait_log("Adding fixed seeds as -dnsseed=0 (or IPv4/IPv6 connections are disabled "
                  "via -onlynet) and neither -addnode nor -seednode are provided", start)
    node.wait_log("Added 0 fixed seeds from reachable networks.", start)
    node.stop()
    start = node.log_size()
    node.start("-addnode=127.0.0.1:1")
    node.wait_log("trying v1 connection (manual) to 127.0.0.1:1", start)
    assert "Adding fixed seeds" not in node.log(start)
    node.advance(61)
    node.wait_log("Adding fixed seeds as 60 seconds have passed and addrman is empty for at "
                  "least one reachable network", start)
