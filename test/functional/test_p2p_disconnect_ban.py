"""Bans: refused at the door, kept over a restart, listed and lifted; permissions protect."""
import json
import time

import pytest

from framework.messages import MSG_TX, Inv, InvMsg
from framework.rpc import expect_error
from framework.util import wait_until

TOO_MANY = [InvMsg([Inv(MSG_TX, bytes(32))] * 50001)]


@pytest.fixture
def node(lab, params):
    return lab.node(params=params)


def test_ban_of_a_subnet_closes_and_refuses(node):
    peer = node.add_peer()
    assert node.setban("127.0.0.1", "add") is None
    peer.wait_disconnect()
    start = node.log_size()
    node.add_peer(ready=False).wait_disconnect()
    node.wait_log("dropped (banned)", start)
    (ban,) = node.listbanned()
    assert ban["address"] == "127.0.0.1/32"
    assert ban["ban_duration"] == ban["banned_until"] - ban["ban_created"] == 86400
    assert 0 <= 86400 - ban["time_remaining"] < 60
    node.restart()
    assert len(node.listbanned()) == 1
    node.clearbanned()
    assert node.listbanned() == []
    node.add_peer()


def test_arguments_of_setban(node):
    now = int(time.time())
    node.set_time(now)
    expect_error(-30, "Error: Invalid IP/Subnet", node.setban, "127.0.0.1/42", "add")
    node.setban("127.27.0.0/16", "add", 1)
    node.setban("2001:4d48:ac57:400:cacf:e9ff:fe1d:9c63/19", "add", 1000)
    expect_error(-23, "Error: IP/Subnet already banned", node.setban, "127.27.0.1", "add",
                 1)
    expect_error(-30, "Error: Unban failed", node.setban, "127.0.0.1", "remove")
    expect_error(-8, "Error: Absolute timestamp is in the past", node.setban,
                 "127.9.0.1", "add", 123, True)
    node.setban("127.32.0.0", "add", now + 500, True)
    assert {b["address"] for b in node.listbanned()} == {
        "127.27.0.0/16", "2001:4000::/19", "127.32.0.0/32"}
    node.advance(5)      # the first has run out
    assert len(node.listbanned()) == 2
    node.setban("127.32.0.0", "remove")
    assert len(node.listbanned()) == 1


def test_bans_over_a_restart(node):
    """In the order of addresses and masks; the time goes on meanwhile."""
    now = int(time.time())
    node.set_time(now)
    node.setban("127.0.0.0/32", "add")
    node.setban("127.0.0.0/24", "add")
    node.setban("192.168.0.1", "add", 1)
    node.setban("2001:4d48:ac57:400:cacf:e9ff:fe1d:9c63/19", "add", 1000)
    node.setban("192.168.0.2", "add", now + 120, True)
    assert [b["address"] for b in node.listbanned()] == [
        "127.0.0.0/24", "127.0.0.0/32", "192.168.0.1/32", "192.168.0.2/32",
        "2001:4000::/19"]
    node.advance(3)
    node.stop()
    node.start(f"-mocktime={now + 4}")
    assert [(b["address"], b["ban_duration"], b["time_remaining"])
            for b in node.listbanned()] == [
        ("127.0.0.0/24", 86400, 86396), ("127.0.0.0/32", 86400, 86396),
        ("192.168.0.2/32", 120, 116), ("2001:4000::/19", 1000, 996)]
    assert all(b["ban_created"] == now for b in node.listbanned())


@pytest.mark.parametrize("text", ("", "{", "[]", '{"banned_nets": [{"version": 1}]}'))
def test_a_damaged_list_is_kept_aside(node, text):
    node.stop()
    with open(node.path("banlist.json"), "w", encoding="ascii") as f:
        f.write(text)
    start = node.log_size()
    node.start()
    path = node.path("banlist.json")
    assert f"Cannot parse banlist {path}" in node.log(start)
    assert "Recreating the banlist database" in node.log(start)
    with open(path + ".bak", encoding="ascii") as f:
        assert f.read() == text
    node.setban("11.0.0.1", "add")
    node.restart()
    assert [b["address"] for b in node.listbanned()] == ["11.0.0.1/32"]


def test_entries_of_other_versions_are_left_out(node):
    node.stop()
    ban = {"version": 1, "ban_created": 1, "banned_until": 1 << 40, "address": "11.0.0.1/32"}
    with open(node.path("banlist.json"), "w", encoding="ascii") as f:
        json.dump({"banned_nets": [ban, dict(ban, version=2), dict(ban, address="eleven")]}, f)
    start = node.log_size()
    node.start()
    assert [b["address"] for b in node.listbanned()] == ["11.0.0.1/32"]
    log = node.log(start)
    assert "Dropping entry with unknown version (2) from ban list" in log
    assert "Dropping entry with unparseable address or subnet (eleven) from ban list" in log


def test_length_of_bans(lab, params):
    node = lab.node("-bantime=1234", params=params)
    node.setban("127.0.0.1", "add")
    node.setban("127.0.0.2", "add", 0)
    assert [b["ban_duration"] for b in node.listbanned()] == [1234, 1234]


@pytest.mark.parametrize("address", (
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"))
def test_ban_of_a_hidden_host(node, address):
    """Hosts of Tor and I2P are banned one by one."""
    node.setban(address, "add")
    expect_error(-23, "Error: IP/Subnet already banned", node.setban, address, "add")
    expect_error(-30, "Error: Invalid IP/Subnet", node.setban, address + "/8", "add")
    node.restart()
    assert [b["address"] for b in node.listbanned()] == [address]
    node.setban(address, "remove")
    assert node.listbanned() == []


def test_disconnectnode(node):
    peer, other = node.add_peer(), node.add_peer()
    first, second = node.getpeerinfo()
    expect_error(-32602, "Only one of address and nodeid should be provided.",
                 node.disconnectnode, first["addr"], first["id"])
    expect_error(-29, "Node not found in connected nodes", node.disconnectnode,
                 "221B Baker Street")
    node.disconnectnode(first["addr"])
    peer.wait_disconnect()
    node.disconnectnode(nodeid=second["id"])
    other.wait_disconnect()
    wait_until(lambda: node.getconnectioncount() == 0)


def test_misbehaving_local_peer_is_dropped(node):
    start = node.log_size()
    peer = node.add_peer()
    peer.send(*TOO_MANY)
    peer.wait_disconnect()
    node.wait_log("Misbehaving: peer=0: inv message size = 50001", start)
    node.wait_log("disconnecting but not discouraging local peer 0", start)
    node.add_peer()       # and may come again


def test_noban_peer_is_not_punished(lab, params):
    node = lab.node("-whitelist=noban@127.0.0.1", params=params)
    peer = node.add_peer()
    start = node.log_size()
    peer.send_and_sync(*TOO_MANY)
    node.wait_log("not punishing noban peer 0", start)
    assert node.getpeerinfo()[0]["permissions"] == ["noban", "download"]
    node.setban("127.0.0.1", "add")
    node.add_peer()       # bans do not hold for it


def test_networking_off_and_on(node):
    peer = node.add_peer()
    assert node.setnetworkactive(False) is False
    peer.wait_disconnect()
    node.add_peer(ready=False).wait_disconnect()
    assert node.getnetworkinfo()["networkactive"] is False
    assert node.setnetworkactive(True) is True
    node.add_peer()
