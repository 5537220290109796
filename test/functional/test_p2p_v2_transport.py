"""The encrypted transport (BIP 324): between nodes, beside version 1, and under attack."""
import os
import socket
import threading

import pytest

from framework.rpc import expect_error
from framework.sockets import hang_up
from framework.util import free_port, wait_until

KEY, GARBAGE, TERMINATOR = 64, 4095, 16


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params)
    node.generatetodescriptor(3, "raw(51)")
    return node


@pytest.fixture(scope="module")
def other(module_lab, params, node):
    return module_lab.node(params=params)


@pytest.fixture(scope="module")
def old(module_lab, params, node):
    return module_lab.node("-v2transport=0", params=params)


@pytest.fixture(autouse=True)
def alone(node):
    yield
    node.setnetworkactive(False)
    wait_until(lambda: node.getconnectioncount() == 0)
    node.setnetworkactive(True)


def link(node):
    peers = [p for p in node.getpeerinfo() if p["version"]]
    return (peers[0]["transport_protocol_type"], peers[0]["session_id"]) if peers else None


def raw(node):
    return socket.create_connection(("127.0.0.1", node.p2p_port), timeout=20)


def ended(sock):
    """Whether the node hangs up; what it said before is read away."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


class Wire:
    """Stands between two nodes; keeps what passes and may change an octet."""

    def __init__(self, to, spoil=None):
        self.to, self.spoil = to, spoil
        self.passed = [b"", b""]
        self.port = free_port()
        self.server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        caller, _ = self.server.accept()
        called = socket.create_connection(("127.0.0.1", self.to.p2p_port))
        for way, (a, b) in enumerate(((caller, called), (called, caller))):
            threading.Thread(target=self._pass, args=(way, a, b), daemon=True).start()

    def _pass(self, way, source, sink):
        try:
            while data := source.recv(65536):
                start = len(self.passed[way])
                self.passed[way] += data
                if self.spoil is not None and way == 0 and start <= self.spoil < start + len(data):
                    at = self.spoil - start
                    data = data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1:]
                sink.sendall(data)
        except OSError:
            pass
        hang_up(source, sink)


def test_two_nodes_agree_on_a_session(node, other):
    other.addnode(f"127.0.0.1:{node.p2p_port}", "onetry")
    wait_until(lambda: link(node) and link(other) and link(node)[0] == "v2")
    assert link(node) == link(other)
    assert len(link(node)[1]) == 64
    wait_until(lambda: other.getbestblockhash() == node.getbestblockhash())
    assert "P2P_V2" in other.getpeerinfo()[0]["servicesnames"]
    assert "P2P_V2" in node.getnetworkinfo()["localservicesnames"]
    (info,) = other.getpeerinfo()
    assert info["bytessent_per_msg"]["verack"] == 1 + 12 + 20
    assert info["bytessent_per_msg"]["ping"] % (1 + 8 + 20) == 0


@pytest.mark.parametrize("v2", (True, False))
def test_the_caller_chooses(node, other, v2):
    other.addnode(f"127.0.0.1:{node.p2p_port}", "onetry", v2)
    wait_until(lambda: link(node) and link(other))
    assert link(node)[0] == link(other)[0] == ("v2" if v2 else "v1")
    assert (link(node)[1] == "") is not v2


@pytest.mark.parametrize("kind", ("outbound-full-relay", "block-relay-only"))
def test_connections_of_every_kind(node, other, kind):
    other.addconnection(f"127.0.0.1:{node.p2p_port}", kind, True)
    wait_until(lambda: link(node) and link(other))
    assert link(node) == link(other) and link(node)[0] == "v2"
    assert other.getpeerinfo()[0]["connection_type"] == kind


def test_a_node_of_version_1_is_called_again(node, old):
    node.addnode(f"127.0.0.1:{old.p2p_port}", "onetry")
    wait_until(lambda: link(node) and link(old))
    assert link(node) == link(old) == ("v1", "")
    assert "retrying with v1 transport protocol" in node.log()
    wait_until(lambda: old.getbestblockhash() == node.getbestblockhash())


def test_a_node_of_version_1_calls(node, old):
    old.addnode(f"127.0.0.1:{node.p2p_port}", "onetry")
    wait_until(lambda: link(node) and link(old))
    assert link(node) == link(old) == ("v1", "")


def test_version_2_switched_off(old, node):
    at = f"127.0.0.1:{node.p2p_port}"
    assert "P2P_V2" not in old.getnetworkinfo()["localservicesnames"]
    expect_error(-8, "Error: v2transport requested but not enabled (see -v2transport)",
                 old.addnode, at, "add", True)
    expect_error(-8, "Error: Adding v2transport connections requires -v2transport init flag "
                 "to be set.", old.addconnection, at, "outbound-full-relay", True)


def test_nothing_on_the_wire_is_readable(node, other):
    wire = Wire(node)
    other.addnode(f"127.0.0.1:{wire.port}", "onetry", True)
    wait_until(lambda: link(node) and link(node)[0] == "v2" and link(other))
    node.generatetodescriptor(1, "raw(51)")
    wait_until(lambda: other.getbestblockhash() == node.getbestblockhash())
    block = bytes.fromhex(node.getblock(node.getbestblockhash(), 0))
    for way in wire.passed:
        assert len(way) > KEY
        for text in (node.params.magic, b"version", b"verack", block[:36], block[-20:]):
            assert text not in way


def test_the_first_other_octet_is_answered_with_a_key(node):
    with raw(node) as sock:
        sock.sendall(node.params.magic + b"versio")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(20)
        sock.sendall(b"x")
        said = b""
        while len(said) < KEY:
            said += sock.recv(KEY)
        sock.sendall(os.urandom(KEY))            # a whole key, and no proof of having it
        wait_until(lambda: node.getpeerinfo()[0]["bytesrecv"] > KEY)
        (info,) = node.getpeerinfo()
        assert (info["transport_protocol_type"], info["session_id"]) == ("detecting", "")


def test_version_1_of_another_network(node):
    with raw(node) as sock:
        start = node.log_size()
        sock.sendall(b"\xf9\xbe\xb4\xd9version".ljust(KEY, b"\0"))
        assert ended(sock)
        node.wait_log("V1 peer with wrong MessageStart f9beb4d9", start)


def test_garbage_without_end(node):
    with raw(node) as sock:
        start = node.log_size()
        sock.sendall(b"\0" + os.urandom(KEY - 1 + GARBAGE + TERMINATOR))
        assert ended(sock)
        node.wait_log("missing garbage terminator", start)


@pytest.mark.parametrize("at, why", ((10, "packet decryption failure"),
                                     (2, "packet too large")))
def test_a_changed_octet_ends_the_connection(node, other, at, why):
    """Octet 2 is the highest of the encrypted length."""
    wire = Wire(node)
    other.addnode(f"127.0.0.1:{wire.port}", "onetry", True)
    wait_until(lambda: link(node) and link(node)[0] == "v2" and link(other))
    other.ping()
    wait_until(lambda: other.getpeerinfo()[0].get("pingtime"))
    start = node.log_size()
    wire.spoil = len(wire.passed[0]) + at
    (peer,) = other.getpeerinfo()
    other.sendmsgtopeer(peer["id"], "ping", "00" * 8 * 1000)
    node.wait_log(why, start)
    wait_until(lambda: node.getconnectioncount() == 0 and other.getconnectioncount() == 0)
