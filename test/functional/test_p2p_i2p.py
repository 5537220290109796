"""-i2psam, -i2pacceptincoming: sessions with the SAM bridge, streams through it."""
import os
import stat

import pytest

from framework.params import BITCOIN
from framework.sam import SamBridge, address_of, destination_of, new_key
from framework.util import free_port, wait_until

PEER = "h3r6bkn46qxftwja53pxiykntegfyfjqtnzbm6iv6r5mungmqgmq.b32.i2p"


@pytest.fixture
def sam():
    bridge = SamBridge()
    yield bridge
    bridge.close()


def start(lab, sam, *args):
    return lab.node(f"-i2psam={sam.name}", *args, params=BITCOIN)


def my_address(node):
    """Where the node can be called, once it can."""
    def found():
        return [(a["address"], a["port"]) for a in node.getnetworkinfo()["localaddresses"]]
    (address, port), = wait_until(found)
    assert port == 0
    return address


def i2p(node):
    return next(n for n in node.getnetworkinfo()["networks"] if n["name"] == "i2p")


def test_ports(lab, sam):
    """SAM 3.1 knows none: an address with one is not connected to."""
    node = start(lab, sam, "-i2pacceptincoming=0")
    before = node.log_size()
    node.addnode(PEER + ":8333", "onetry")
    node.wait_log(f"Error connecting to {PEER}:8333, connection refused due to arbitrary "
                  "port 8333", before)
    assert sam.commands == []
    for address in (PEER + ":0", PEER):
        before = node.log_size()
        node.addnode(address, "onetry")
        node.wait_log(f"Error connecting to {PEER}:0: NAMING REPLY RESULT=KEY_NOT_FOUND",
                      before)


def test_no_bridge_there(lab):
    node = lab.node(f"-i2psam=127.0.0.1:{free_port()}", params=BITCOIN)
    node.addnode(PEER + ":0", "onetry")
    node.wait_log(f"Error connecting to {PEER}:0")
    assert node.getnetworkinfo()["localaddresses"] == []


def test_persistent_session(lab, sam):
    """The key is made once and kept, so that the address stays the same."""
    node = start(lab, sam)
    address = my_address(node)
    assert "Creating persistent SAM session" in node.log()
    with open(node.path("i2p_private_key"), "rb") as f:
        key = f.read()
    assert address_of(destination_of(key)) == address
    assert stat.S_IMODE(os.stat(node.path("i2p_private_key")).st_mode) == 0o600
    assert i2p(node) == {"name": "i2p", "limited": False, "reachable": True,
                         "proxy": sam.name, "proxy_randomize_credentials": False}
    node.restart()
    assert my_address(node) == address
    assert len(sam.said("DEST GENERATE")) == 1
    assert len(sam.said("SESSION CREATE")) == 2


def test_transient_sessions(lab, sam):
    """Without callers there is no lasting address: each connection has its own."""
    a, b = start(lab, sam), start(lab, sam)
    node = start(lab, sam, "-i2pacceptincoming=0")
    for other in (a, b):
        node.addnode(my_address(other), "onetry")
    wait_until(lambda: sum(p["version"] > 0 for p in node.getpeerinfo()) == 2)
    assert "Creating transient SAM session" in node.log()
    assert not os.path.exists(node.path("i2p_private_key"))
    assert node.getnetworkinfo()["localaddresses"] == []
    callers = set()
    for other in (a, b):
        peer, = other.getpeerinfo()
        assert peer["inbound"] and peer["network"] == "i2p"
        callers.add(peer["addr"])
    assert len(callers) == 2
    assert len(sam.sessions) == 4
    node.disconnectnode(my_address(a))
    wait_until(lambda: len(a.getpeerinfo()) == 0 and len(sam.sessions) == 3)


def test_peers_call_each_other(lab, sam):
    a, b = start(lab, sam), start(lab, sam)
    a.generatetodescriptor(2, "raw(51)")
    there = my_address(a)
    b.addnode(there, "onetry")
    wait_until(lambda: b.getblockcount() == 2)
    out, = b.getpeerinfo()
    assert out["addr"] == there and out["network"] == "i2p"
    assert out["addrbind"] == my_address(b) + ":0"
    into, = a.getpeerinfo()
    assert into["addr"] == my_address(b) + ":0" and into["addrbind"] == there + ":0"
    assert into["transport_protocol_type"] == "v2"
    assert into["permissions"] == []
    # The next caller is waited for all the time.
    wait_until(lambda: there in sam.listening())
    c = start(lab, sam, "-i2pacceptincoming=0")
    c.addnode(there + ":0", "onetry")
    wait_until(lambda: len(a.getpeerinfo()) == 2)


def test_an_old_peer(lab, sam):
    """It hangs up on the encrypted transport and is called again."""
    a, b = start(lab, sam, "-v2transport=0"), start(lab, sam)
    there = my_address(a)
    wait_until(lambda: there in sam.listening())
    b.addnode(there, "onetry")
    peer, = wait_until(lambda: [p for p in b.getpeerinfo() if p["version"]])
    assert peer["transport_protocol_type"] == "v1" and peer["addr"] == there


def test_bans(lab, sam):
    """By the destination's address; the caller is known by it as well."""
    a, b = start(lab, sam), start(lab, sam)
    there, here = my_address(a), my_address(b)
    wait_until(lambda: there in sam.listening())
    b.addnode(there, "onetry")
    wait_until(lambda: len(a.getpeerinfo()) == 1)
    a.setban(here, "add")
    wait_until(lambda: a.getpeerinfo() == [] == b.getpeerinfo())
    before = a.log_size()
    wait_until(lambda: there in sam.listening())
    b.addnode(there, "onetry")
    a.wait_log(f"connection from {here}:0 dropped (banned)", before)


def test_automatic_connections(lab, sam):
    a = start(lab, sam)
    there = my_address(a)
    wait_until(lambda: there in sam.listening())
    node = start(lab, sam, "-i2pacceptincoming=0", "-onlynet=i2p")
    assert node.addpeeraddress(there, 0)["success"]
    wait_until(lambda: [p["addr"] for p in node.getpeerinfo()] == [there + ":0"])


def test_unused_sessions_are_used_again(lab, sam):
    node = start(lab, sam, "-i2pacceptincoming=0")
    for n in range(3):
        before = node.log_size()
        node.addnode(PEER, "onetry")
        node.wait_log("Error connecting to", before)
    assert len(sam.said("SESSION CREATE")) == 1
    assert len(sam.said("NAMING LOOKUP")) == 3


def test_the_router_restarts(lab, sam):
    node = start(lab, sam)
    address = my_address(node)
    wait_until(sam.listening)
    sam.drop()
    wait_until(lambda: node.getnetworkinfo()["localaddresses"] == [])
    wait_until(lambda: address in sam.listening())
    assert my_address(node) == address


def test_the_session_is_closed(lab, sam):
    """The bridge says so instead of naming a caller."""
    node = start(lab, sam)
    address = my_address(node)
    wait_until(sam.listening)
    session = sam.session_of(address)
    session.accepts.get().sendall(
        b'STREAM STATUS RESULT=I2P_ERROR MESSAGE="Session was closed"\n')
    wait_until(lambda: len(sam.said("SESSION CREATE")) == 2)
    wait_until(lambda: my_address(node) == address)


def test_an_unknown_session(lab, sam):
    a, b = start(lab, sam), start(lab, sam)
    there, here = my_address(a), my_address(b)
    mine = sam.session_of(here)
    wait_until(lambda: there in sam.listening())
    del sam.sessions[mine.name]
    before = b.log_size()
    b.addnode(there, "onetry")
    b.wait_log("STREAM STATUS RESULT=INVALID_ID", before)
    b.addnode(there, "onetry")
    wait_until(lambda: len(b.getpeerinfo()) == 1)


HOSTILE = {
    "another protocol": ("HELLO VERSION", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "another version": ("HELLO VERSION", b"HELLO REPLY RESULT=NOVERSION\n"),
    "endless line": ("HELLO VERSION", b"x" * 100000),
    "hangs up": ("HELLO VERSION", None),
    "no key": ("DEST GENERATE", b"DEST REPLY\n"),
    "short key": ("DEST GENERATE", b"DEST REPLY PRIV=AAAA\n"),
    "wrong key": ("DEST GENERATE", b"DEST REPLY PRIV=!!!!\n"),
    "key with a long certificate":
        ("DEST GENERATE", b"DEST REPLY PRIV=" + b"A" * 512 + b"~~~~\n"),
    "hangs up after the key": ("DEST GENERATE", None),
    "no session": ("SESSION CREATE", b"SESSION STATUS RESULT=DUPLICATED_ID\n"),
    "session hangs up": ("SESSION CREATE", None),
    "no callers": ("STREAM ACCEPT", b"STREAM STATUS RESULT=I2P_ERROR\n"),
    "a caller that is none":
        ("STREAM ACCEPT", b"STREAM STATUS RESULT=OK\nAAAA\n"),
    "endless caller":
        ("STREAM ACCEPT", b"STREAM STATUS RESULT=OK\n" + b"A" * 100000),
}


def test_hostile_bridges(lab, sam):
    """Whatever it says: no peer comes of it, and the node tries again, and stops."""
    node = lab.node(f"-i2psam={sam.name}", params=BITCOIN, start=False)
    for words, reply in HOSTILE.values():
        sam.replies = {words: reply}
        before = len(sam.said(words))
        start = node.log_size()
        node.start()
        wait_until(lambda: len(sam.said(words)) > before)
        node.wait_log("Couldn't listen" if b"OK" not in (reply or b"") else
                      "Error accepting", start)
        assert node.getpeerinfo() == []
        node.stop()
    sam.replies = {}
    node.start()
    my_address(node)


def test_a_damaged_key_is_not_replaced(lab, sam):
    node = lab.node(f"-i2psam={sam.name}", params=BITCOIN, start=False)
    os.makedirs(node.chain_dir)
    path = node.path("i2p_private_key")
    with open(path, "wb") as f:
        f.write(new_key()[:200])
    node.start()
    node.wait_log("holds no usable key")
    assert not sam.said("SESSION CREATE")
    assert os.path.getsize(path) == 200


def test_refused_options(lab):
    node = lab.node(params=BITCOIN, start=False, conf={"bind": None})
    for value, why in (("def..def:23456", "Invalid -i2psam address or hostname"),
                       ("192.0.0.1:def", "Invalid port specified in -i2psam"),
                       ("unix:/tmp/sam", "Invalid port specified in -i2psam")):
        assert node.fails_to_start(f"-i2psam={value}") == f"Error: {why}: '{value}'"
    node.start("-listen=0", "-i2psam=127.0.0.1:1")
    assert "parameter interaction: -listen=0 -> setting -i2pacceptincoming=0" in node.log()
