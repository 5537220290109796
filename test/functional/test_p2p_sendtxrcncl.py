"""Offers to reconcile transactions (BIP 330): to whom they are made, and what an offer of a
peer leads to."""
import struct

import pytest

from framework.messages import Raw, Sendaddrv2, Verack, Wtxidrelay
from framework.p2p import Peer

NODE_BLOOM = 1 << 2


class Offerer(Peer):
    """Answers version with these messages instead of the usual ones."""

    says = ()

    def on_version(self, msg):
        if not self.inbound:
            self.send_version()
        self.send(*self.says)


def offer(version=1, salt=2):
    return Raw("sendtxrcncl", struct.pack("<IQ", version, salt))


def offered(peer):
    """Version and salt of the node's offer, which stands before its verack."""
    names = [c for c, _ in peer.log]
    if "sendtxrcncl" not in names:
        return None
    assert names.index("wtxidrelay") < names.index("sendtxrcncl") < names.index("verack")
    return struct.unpack("<IQ", peer.last["sendtxrcncl"].payload)


@pytest.fixture(scope="module")
def node(module_lab, params):
    return module_lab.node("-txreconciliation", params=params)


@pytest.fixture(autouse=True)
def alone(node):
    yield
    node.disconnect_peers()


def test_offered_to_who_relays(node):
    salts = set()
    for _ in range(3):
        version, salt = offered(node.add_peer())
        assert version == 1
        salts.add(salt)
    assert len(salts) == 3
    assert offered(node.add_outbound())[0] == 1


@pytest.mark.parametrize("how", ({"relay": False}, {"version": 70015, "wtxidrelay": False}),
                         ids=("relay=0", "70015"))
def test_not_offered_to_who_cannot(node, how):
    assert offered(node.add_peer(**how)) is None


@pytest.mark.parametrize("kind", ("block-relay-only", "addr-fetch"))
def test_not_offered_on_other_connections(node, kind):
    assert offered(node.add_outbound(kind)) is None


def test_not_offered_to_feelers(node):
    peer = node.add_outbound("feeler", ready=False)
    peer.wait_for("version")
    peer.wait_disconnect()
    assert offered(peer) is None


@pytest.mark.parametrize("option", ("-txreconciliation=0", "-blocksonly",
                                    "-peerbloomfilters"))
def test_not_offered_by_option(lab, params, option):
    node = lab.node("-txreconciliation", option, params=params)
    peer = node.add_peer(relay=option != "-peerbloomfilters")
    assert bool(peer.last["version"].services & NODE_BLOOM) == ("bloom" in option)
    assert offered(peer) is None


def test_agreement(node):
    start = node.log_size()
    peer = node.add_peer(Offerer, ready=False, handshake=False)
    peer.says = (Wtxidrelay(), Sendaddrv2(), offer(version=2), Verack())
    peer.send_version()
    peer.wait_ready()
    peer.sync()
    log = node.log(start)
    assert "[txreconciliation] Register peer=" in log and "Forget" not in log
    (info,) = node.getpeerinfo()
    assert info["bytesrecv_per_msg"]["sendtxrcncl"] and info["bytessent_per_msg"]["sendtxrcncl"]
    peer.close()
    node.wait_log("Forget txreconciliation state of peer=", start)


def test_forgotten_without_wtxidrelay(node):
    start = node.log_size()
    peer = node.add_peer(Offerer, ready=False, handshake=False)
    peer.says = (offer(), Verack())
    peer.send_version()
    peer.wait_ready()
    node.wait_log("Forget txreconciliation state of peer=", start)
    peer.sync()
    assert not peer.closed


def test_forgotten_when_not_returned(node):
    start = node.log_size()
    node.add_peer()
    node.wait_log("Forget txreconciliation state of peer=", start)


@pytest.mark.parametrize("says, why", (
    ((offer(), offer()), "(sendtxrcncl received from already registered peer); disconnecting"),
    ((offer(version=0),), "txreconciliation protocol violation from peer="),
    ((Wtxidrelay(), Verack(), offer()), "sendtxrcncl received after verack from peer=")),
    ids=("twice", "version 0", "late"))
def test_violations(node, says, why):
    start = node.log_size()
    peer = node.add_peer(Offerer, ready=False, handshake=False)
    peer.says = says
    peer.send_version()
    peer.wait_disconnect()
    node.wait_log(why, start)


def test_peer_that_does_not_relay(node):
    start = node.log_size()
    peer = node.add_peer(Offerer, ready=False, handshake=False, relay=False)
    peer.says = (offer(),)
    peer.send_version()
    peer.wait_disconnect()
    node.wait_log("which indicated no tx relay to us; disconnecting", start)


def test_peer_that_we_do_not_relay_with(node):
    class Unasked(Offerer):
        says = (offer(),)
    start = node.log_size()
    peer = node.add_outbound("block-relay-only", Unasked, ready=False)
    peer.wait_disconnect()
    node.wait_log("to which we indicated no tx relay; disconnecting", start)


def test_not_asked_for(node):
    """An old peer got no offer, so its own one is of no use."""
    start = node.log_size()
    peer = node.add_peer(Offerer, ready=False, handshake=False, version=70015)
    peer.says = (offer(), Verack())
    peer.send_version()
    peer.wait_ready()
    node.wait_log("Ignore unexpected txreconciliation signal from peer=", start)
    peer.sync()


def test_ignored_when_off(lab, params):
    node = lab.node(params=params)
    peer = node.add_peer(Offerer, ready=False, handshake=False)
    peer.says = (offer(), Verack(), offer())
    start = node.log_size()
    peer.send_version()
    peer.wait_ready()
    peer.sync()
    peer.sync()
    assert node.log(start).count("ignored, as our node does not have txreconciliation "
                                 "enabled") == 2
    assert offered(peer) is None
