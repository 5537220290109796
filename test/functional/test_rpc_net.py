"""Network methods: peers and their figures, connections of each kind, bans, addresses."""
import time

import pytest

from framework.messages import Ping
from framework.rpc import expect_error
from framework.util import wait_until


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node("-connect=0", params=params)  # calls nobody by itself
    node.generatetodescriptor(2, "raw(51)")
    return node


@pytest.fixture(autouse=True)
def alone(node):
    yield
    node.drop_peers()
    wait_until(lambda: node.getconnectioncount() == 0)


def test_getnetworkinfo(node):
    info = node.getnetworkinfo()
    assert info["protocolversion"] == 70016 and info["networkactive"] is True
    assert info["subversion"].startswith(f"/{node.params.user_agent}:")
    assert info["connections"] == info["connections_in"] == 0
    assert info["relayfee"] == info["incrementalfee"] == node.params.amount(1000)
    assert {n["name"] for n in info["networks"]} >= {"ipv4", "ipv6", "onion"}
    assert "NETWORK" in info["localservicesnames"] and "WITNESS" in info["localservicesnames"]
    assert int(info["localservices"], 16) & 9 == 9


def test_getpeerinfo_of_an_inbound_peer(node):
    peer = node.add_peer()
    (info,) = node.getpeerinfo()
    assert info["inbound"] is True and info["connection_type"] == "inbound"
    assert info["version"] == 70016 and info["subver"] == "/functional:0.1/"
    assert info["relaytxes"] is True and info["startingheight"] == -1
    assert info["services"] == f"{9:016x}"
    assert info["servicesnames"] == ["NETWORK", "WITNESS"]
    assert info["synced_headers"] == info["synced_blocks"] == -1
    assert info["network"] == "not_publicly_routable"
    assert info["transport_protocol_type"] == "v1"
    assert info["addrbind"] == f"127.0.0.1:{node.p2p_port}"
    assert info["minfeefilter"] == 0 and info["permissions"] == []
    assert info["bytesrecv_per_msg"]["version"] > 100
    assert info["bytessent_per_msg"]["verack"] == 24
    assert info["bytesrecv"] == sum(info["bytesrecv_per_msg"].values())
    before = info["bytesrecv_per_msg"].get("ping", 0)
    peer.send_and_sync(Ping(5))
    (info,) = node.getpeerinfo()
    assert info["bytesrecv_per_msg"]["ping"] == before + 3 * 32    # it syncs by two
    assert abs(info["conntime"] - time.time()) < 60


def test_getpeerinfo_before_the_version_message(node):
    now = int(time.time())
    node.set_time(now)
    node.add_peer(handshake=False, ready=False)
    (info,) = wait_until(node.getpeerinfo)
    node.setmocktime(0)
    node.mocktime = None
    assert info.pop("addr").startswith("127.0.0.1:")
    assert info.pop("addrbind") == f"127.0.0.1:{node.p2p_port}"
    info.pop("id")
    assert info == {
        "addr_processed": 0, "addr_rate_limited": 0, "addr_relay_enabled": False,
        "bip152_hb_from": False, "bip152_hb_to": False, "bytesrecv": 0,
        "bytesrecv_per_msg": {}, "bytessent": 0, "bytessent_per_msg": {},
        "connection_type": "inbound", "conntime": now, "inbound": True, "inflight": [],
        "last_block": 0, "last_transaction": 0, "lastrecv": 0, "lastsend": 0,
        "minfeefilter": 0, "network": "not_publicly_routable", "permissions": [],
        "presynced_headers": -1, "relaytxes": False, "services": "0" * 16,
        "servicesnames": [], "session_id": "", "startingheight": -1, "subver": "",
        "synced_blocks": -1, "synced_headers": -1, "timeoffset": 0,
        "transport_protocol_type": "detecting", "version": 0}


def test_unknown_services(node):
    node.add_peer(services=1 << 4 | 1 << 63)
    (info,) = node.getpeerinfo()
    assert info["services"] == "8000000000000010"
    assert info["servicesnames"] == ["UNKNOWN[2^4]", "UNKNOWN[2^63]"]


@pytest.mark.parametrize("kind, relay", [("outbound-full-relay", True),
                                         ("block-relay-only", False), ("addr-fetch", True)])
def test_addconnection(node, kind, relay):
    peer = node.add_outbound(kind)
    version = peer.received("version")[0]
    assert version.relay is relay
    (info,) = node.getpeerinfo()
    assert info["inbound"] is False and info["connection_type"] == kind
    if kind == "outbound-full-relay":
        assert peer.count.get("getaddr") == 1
    if kind == "block-relay-only":
        assert "getaddr" not in peer.count


def test_feeler_hangs_up_after_the_handshake(node):
    peer = node.add_outbound("feeler", ready=False)
    peer.wait_for("version")
    peer.wait_disconnect()


def test_addconnection_errors(node):
    expect_error(-8, "", node.addconnection, "127.0.0.1:1", "nosuch-kind", False)


def test_connection_counts(node):
    for _ in range(3):
        node.add_peer()
    node.add_outbound()
    assert node.getconnectioncount() == 4
    info = node.getnetworkinfo()
    assert (info["connections_in"], info["connections_out"]) == (3, 1)


def test_disconnectnode(node):
    a, b = node.add_peer(), node.add_peer()
    infos = sorted(node.getpeerinfo(), key=lambda i: i["id"])
    node.disconnectnode(address=infos[0]["addr"])
    a.wait_disconnect()
    node.disconnectnode(nodeid=infos[1]["id"])
    b.wait_disconnect()
    expect_error(-29, "Node not found in connected nodes", node.disconnectnode,
                 "221B Baker Street")
    expect_error(-32602, "Only one of address and nodeid should be provided.",
                 node.disconnectnode, "221B Baker Street", 1)
    expect_error(-32602, "Only one of address and nodeid should be provided.",
                 node.disconnectnode)


def test_getnettotals(node):
    before = node.getnettotals()
    peer = node.add_peer()
    peer.send_and_sync(Ping(1))
    after = node.getnettotals()
    assert after["totalbytesrecv"] > before["totalbytesrecv"]
    assert after["totalbytessent"] > before["totalbytessent"]
    assert after["uploadtarget"]["target"] == 0
    assert abs(after["timemillis"] / 1000 - time.time()) < 60


def test_addnode_and_getaddednodeinfo(node):
    assert node.getaddednodeinfo() == []
    node.addnode("127.0.0.1:1", "add")
    (info,) = node.getaddednodeinfo()
    assert info["addednode"] == "127.0.0.1:1" and info["connected"] is False
    expect_error(-23, "Error: Node already added", node.addnode, "127.0.0.1:1", "add")
    expect_error(-24, "Error: Node has not been added", node.getaddednodeinfo, "1.1.1.1")
    node.addnode("127.0.0.1:1", "remove")
    expect_error(-24, "Error: Node could not be removed. It has not been added "
                 "previously.", node.addnode, "127.0.0.1:1", "remove")
    expect_error(-1, "addnode", node.addnode, "127.0.0.1:1", "nonsense")


def test_setnetworkactive(node):
    peer = node.add_peer()
    assert node.setnetworkactive(False) is False
    peer.wait_disconnect()
    assert node.getnetworkinfo()["networkactive"] is False
    assert node.setnetworkactive(True) is True
    node.add_peer()


def test_bans(node):
    peer = node.add_peer()
    node.setban("127.0.0.1", "add", 3600)
    peer.wait_disconnect()
    (ban,) = node.listbanned()
    assert ban["address"] == "127.0.0.1/32" and ban["ban_duration"] == 3600
    expect_error(-23, "IP/Subnet already banned", node.setban, "127.0.0.1", "add")
    node.setban("127.0.0.0/24", "add")
    node.clearbanned()
    assert node.listbanned() == []
    expect_error(-30, "Invalid IP/Subnet", node.setban, "not an ip", "add")
    expect_error(-30, "Unban failed", node.setban, "127.0.0.1", "remove")
    node.add_peer()


def test_addresses(node):
    assert node.getnodeaddresses() == []
    assert node.addpeeraddress("1.2.3.4", 18444) == {"success": True}
    assert node.addpeeraddress("1.2.3.4", 18444)["success"] is False
    (entry,) = node.getnodeaddresses(0)
    assert entry["address"] == "1.2.3.4" and entry["port"] == 18444
    assert entry["network"] == "ipv4" and entry["services"] & 1
    expect_error(-8, "Address count out of range", node.getnodeaddresses, -1)
    expect_error(-8, "Network not recognized: Foo", node.getnodeaddresses, 1, "Foo")


def test_sendmsgtopeer(node):
    peer = node.add_peer()
    (info,) = node.getpeerinfo()
    assert node.sendmsgtopeer(info["id"], "abcdef", "0102") == {}
    assert peer.wait_for("abcdef").payload == b"\x01\x02"
    expect_error(-8, "Error: msg_type too long, max length is 12", node.sendmsgtopeer,
                 info["id"], "a" * 13, "")
    expect_error(-1, "Error: Could not send message to peer", node.sendmsgtopeer, 9999,
                 "ping", "")
    expect_error(-8, "Error parsing input for msg", node.sendmsgtopeer, info["id"], "ping",
                 "1")


@pytest.mark.parametrize("n", [0, -1])
def test_no_connections(lab, n):
    node = lab.node(f"-maxconnections={n}")
    peer = node.add_peer(ready=False)
    peer.wait_disconnect()
    assert node.getconnectioncount() == 0


def test_connect_option(lab, params):
    a = lab.node(params=params)
    b = lab.node(f"-connect=127.0.0.1:{a.p2p_port}", params=params)
    wait_until(lambda: a.getconnectioncount() == 1)
    a.generatetodescriptor(3, "raw(51)")
    wait_until(lambda: b.getblockcount() == 3)


@pytest.fixture
def fresh(lab, params):
    return lab.node("-test=addrman", "-checkaddrman=1", "-connect=0", params=params)


def test_addpeeraddress(fresh):
    assert "addpeeraddress" not in fresh.help() and "getrawaddrman" not in fresh.help()
    expect_error(-30, "Invalid IP address", fresh.addpeeraddress, "", 8333)
    expect_error(-30, "Invalid IP address", fresh.addpeeraddress, "1.2.3.4:8333", 8333)
    for port in (-1, 65536):
        expect_error(-1, "JSON integer out of range", fresh.addpeeraddress, "1.2.3.4", port)
    assert fresh.addpeeraddress("2a02::1", 8333, True) == {"success": True}
    for tried in (False, True):
        assert fresh.addpeeraddress("2a02::1", 8333, tried) == {
            "success": False, "error": "failed-adding-to-new"}
    assert fresh.addpeeraddress("127.0.0.1", 8333) == {
        "success": False, "error": "failed-adding-to-new"}     # it is not routable


def test_addresses_whose_place_is_taken(fresh):
    answers = [fresh.addpeeraddress(f"{11 + i % 150}.{i // 150}.1.1", 8333, True)
               for i in range(600)]
    errors = [a["error"] for a in answers if not a["success"]]
    assert "failed-adding-to-tried" in errors        # they wait in new for a test
    info, raw = fresh.getaddrmaninfo(), fresh.getrawaddrman()
    assert info["ipv4"] == info["all_networks"]
    assert info["ipv4"]["tried"] == len(raw["tried"]) == sum(a["success"] for a in answers)
    assert info["ipv4"]["new"] == len(raw["new"]) >= errors.count("failed-adding-to-tried")
    assert info["ipv4"]["total"] == info["ipv4"]["new"] + info["ipv4"]["tried"]


def test_getrawaddrman(fresh):
    now = int(time.time())
    fresh.set_time(now)
    places = {"new": ["1.0.0.0", "2a02::2"], "tried": ["1.2.3.4", "2a02::1"]}
    for table, hosts in places.items():
        for host in hosts:
            assert fresh.addpeeraddress(host, 8333, table == "tried")["success"]
    raw = fresh.getrawaddrman()
    for table, hosts in places.items():
        assert sorted(e["address"] for e in raw[table].values()) == sorted(hosts)
        for place, entry in raw[table].items():
            bucket, position = map(int, place.split("/"))
            assert 0 <= bucket < (256 if table == "tried" else 1024) and 0 <= position < 64
            network = "ipv6" if ":" in entry["address"] else "ipv4"
            assert entry == {"address": entry["address"], "port": 8333, "services": 9,
                             "network": network, "source": entry["address"],
                             "source_network": network, "time": now}


def test_addresses_of_one_network(fresh):
    hosts = {"ipv4": "1.2.3.4", "ipv6": "2a02::1",
             "onion": "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
             "i2p": "c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p"}
    for host in hosts.values():
        assert fresh.addpeeraddress(host, 8333)["success"]
    for network, host in hosts.items():
        (entry,) = fresh.getnodeaddresses(0, network)
        assert (entry["address"], entry["network"]) == (host, network)
        assert fresh.getaddrmaninfo()[network] == {"new": 1, "tried": 0, "total": 1}
    assert len(fresh.getnodeaddresses(0)) == 4 and len(fresh.getnodeaddresses(3)) == 3
