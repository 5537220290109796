"""-proxy, -onion, -proxyrandomize, -onlynet, -cjdnsreachable: who is asked for what."""
import re

import pytest

from framework.params import BITCOIN
from framework.sockets import have_ipv6
from framework.socks5 import NAME, NO_AUTH, USER_PASS, Socks5
from framework.util import wait_until

IPV4 = "15.61.23.23:1234"
IPV6 = "[1233:3432:2434:2343:3234:2345:6546:4534]:5443"
ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333"
CJDNS = "[fc00:1:2:3:4:5:6:7]:8888"
DOMAIN = "node.noumenon:8333"
NETWORKS = ["ipv4", "ipv6", "onion", "i2p", "cjdns"]
RESOLVES = "not_publicly_routable"


@pytest.fixture(scope="module")
def proxies(tmp_path_factory):
    made = {
        "plain": Socks5(),
        "tor": Socks5(methods=(USER_PASS, NO_AUTH)),
        "unix": Socks5(path=str(tmp_path_factory.mktemp("socks") / "s")),
    }
    if have_ipv6():
        made["six"] = Socks5(host="::1")
    yield made
    for proxy in made.values():
        proxy.close()


def split(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


def dial(node, proxy, address, network):
    """The node asks this proxy for the address, and shows the peer's network."""
    node.addnode(address, "onetry", v2transport=False)
    request = proxy.next()
    assert (request.kind, request.host, request.port) == (NAME, *split(address))
    wait_until(lambda: any(p["addr"] == address for p in node.getpeerinfo()))
    peer = next(p for p in node.getpeerinfo() if p["addr"] == address)
    assert peer["network"] == network
    node.disconnectnode(address)
    return request


def networks(node):
    return {n["name"]: n for n in node.getnetworkinfo()["networks"]}


def expect(node, proxy, randomize, reachable):
    """proxy: name by network, or one for all but I2P."""
    seen = networks(node)
    assert list(seen) == NETWORKS
    for name, n in seen.items():
        want = proxy.get(name, "") if isinstance(proxy, dict) else \
            "" if name == "i2p" else proxy
        assert n["proxy"] == want
        assert n["proxy_randomize_credentials"] is bool(want and randomize)
        assert n["reachable"] is (name in reachable), name
        assert n["limited"] is not n["reachable"]


def test_everything_through_one_proxy(lab, proxies):
    plain = proxies["plain"]
    node = lab.node("-listen", f"-proxy={plain.name}", "-proxyrandomize=1",
                    params=BITCOIN)
    for address, network in ((IPV4, "ipv4"), (IPV6, "ipv6"), (ONION, "onion"),
                             (DOMAIN, RESOLVES)):
        request = dial(node, plain, address, network)
        assert request.methods == bytes([NO_AUTH, USER_PASS])
        assert request.user is None
    expect(node, plain.name, True, ("ipv4", "ipv6", "onion"))
    assert node.getnetworkinfo()["localaddresses"] == []


def test_onion_through_another(lab, proxies):
    plain, tor = proxies["plain"], proxies["tor"]
    node = lab.node("-listen", f"-proxy={plain.name}", f"-onion={tor.name}",
                    "-proxyrandomize=0", params=BITCOIN)
    assert dial(node, plain, IPV4, "ipv4").methods == bytes([NO_AUTH])
    assert dial(node, tor, ONION, "onion").user is None
    dial(node, plain, DOMAIN, RESOLVES)
    expect(node, {"ipv4": plain.name, "ipv6": plain.name, "cjdns": plain.name,
                  "onion": tor.name}, False, ("ipv4", "ipv6", "onion"))


def test_other_credentials_for_each_connection(lab, proxies):
    tor = proxies["tor"]
    node = lab.node("-listen", f"-proxy={tor.name}", "-proxyrandomize=1", params=BITCOIN)
    seen = [dial(node, tor, *what) for what in ((IPV4, "ipv4"), (IPV6, "ipv6"),
                                                (ONION, "onion"), (DOMAIN, RESOLVES))]
    logins = {(r.user, r.password) for r in seen}
    assert len(logins) == len(seen) and (None, None) not in logins
    expect(node, tor.name, True, ("ipv4", "ipv6", "onion"))


def test_proxy_at_an_ipv6_address(lab, proxies):
    if "six" not in proxies:
        pytest.skip("no IPv6 on the loopback interface")
    six = proxies["six"]
    node = lab.node("-listen", f"-proxy={six.name}", "-proxyrandomize=0", "-noonion",
                    params=BITCOIN)
    dial(node, six, IPV4, "ipv4")
    dial(node, six, DOMAIN, RESOLVES)
    before = node.log_size()
    node.addnode(ONION, "onetry", v2transport=False)
    node.wait_log("unsupported network", before)
    expect(node, {"ipv4": six.name, "ipv6": six.name, "cjdns": six.name}, False,
           ("ipv4", "ipv6"))


def test_cjdns_through_a_proxy(lab, proxies):
    plain = proxies["plain"]
    node = lab.node("-listen", f"-proxy={plain.name}", "-proxyrandomize=1",
                    "-cjdnsreachable", params=BITCOIN)
    dial(node, plain, CJDNS, "cjdns")
    expect(node, plain.name, True, ("ipv4", "ipv6", "onion", "cjdns"))
    assert node.addpeeraddress("fc00::1", 8333) == {"success": True}
    assert node.getnodeaddresses(0, "cjdns")[0]["address"] == "fc00::1"


def test_proxy_behind_a_unix_socket(lab, proxies):
    unix = proxies["unix"]
    node = lab.node("-listen", f"-proxy={unix.name}", "-proxyrandomize=1", params=BITCOIN)
    dial(node, unix, IPV4, "ipv4")
    dial(node, unix, ONION, "onion")
    dial(node, unix, DOMAIN, RESOLVES)
    expect(node, unix.name, True, ("ipv4", "ipv6", "onion"))
    node.restart(f"-onion={unix.name}", "-noproxy")
    dial(node, unix, ONION, "onion")
    expect(node, {"onion": unix.name}, True, ("ipv4", "ipv6", "onion"))


def test_onlynet_limits_what_is_reachable(lab, proxies):
    plain = proxies["plain"]
    node = lab.node("-onlynet=onion", "-onlynet=ipv4", f"-onion={plain.name}",
                    params=BITCOIN)
    expect(node, {"onion": plain.name}, True, ("ipv4", "onion"))
    node.restart("-noonion", "-noonlynet")
    expect(node, {}, True, ("ipv4", "ipv6"))


def test_a_peer_behind_a_proxy(lab):
    """A whole handshake, with what the peer says at once right behind the reply."""
    far = lab.node(params=BITCOIN)
    proxy = Socks5(targets={DOMAIN: far.p2p_port})
    node = lab.node("-listen", f"-proxy={proxy.name}", params=BITCOIN)
    far.generatetodescriptor(3, "raw(51)")
    node.addnode(DOMAIN, "add")
    wait_until(lambda: node.getblockcount() == 3)
    assert node.getaddednodeinfo(DOMAIN)[0]["connected"]
    peer, = node.getpeerinfo()
    assert peer["transport_protocol_type"] == "v2"
    assert peer["addr"] == DOMAIN and peer["network"] == RESOLVES
    assert proxy.callers == 1
    proxy.close()


def test_an_old_peer_behind_a_proxy(lab):
    """It hangs up on the encrypted transport and is called again, by the same name."""
    far = lab.node("-v2transport=0", params=BITCOIN)
    proxy = Socks5(targets={DOMAIN: far.p2p_port})
    node = lab.node("-listen", f"-proxy={proxy.name}", params=BITCOIN)
    node.addnode(DOMAIN, "onetry")
    wait_until(lambda: any(p["version"] for p in node.getpeerinfo()))
    peer, = node.getpeerinfo()
    assert peer["addr"] == DOMAIN and peer["transport_protocol_type"] == "v1"
    assert proxy.callers == 2
    proxy.close()


def test_names_go_to_the_proxy_only(lab):
    """Wherever they are given: DNS, which would tell, is never asked."""
    proxy = Socks5()
    node = lab.node(f"-proxy={proxy.name}", "-connect=one.invalid", "-addnode=two.invalid",
                    params=BITCOIN)
    assert {proxy.next().host, proxy.next().host} == {"one.invalid", "two.invalid"}
    node.stop()
    node = lab.node(f"-proxy={proxy.name}", "-seednode=three.invalid:1", params=BITCOIN)
    asked = proxy.next()
    assert (asked.host, asked.port) == ("three.invalid", 1)
    assert "Cannot resolve" not in node.log()
    proxy.close()


def test_automatic_connections_keep_to_onlynet(lab):
    proxy = Socks5()
    node = lab.node(f"-proxy={proxy.name}", "-onlynet=onion", params=BITCOIN)
    host, port = split(ONION)
    assert node.addpeeraddress("15.61.23.23", 8333)["success"]
    assert node.addpeeraddress(host, port)["success"]
    asked = proxy.next()
    assert (asked.host, asked.port) == (host, port)
    wait_until(lambda: [p["network"] for p in node.getpeerinfo()] == ["onion"])
    assert proxy.requests.empty()
    proxy.close()


HOSTILE = {
    "another protocol": (b"HTTP/1.1 200 OK\r\n\r\n", "Proxy failed to initialize"),
    "no method": (b"\x05\xff", "Proxy requested wrong authentication method ff"),
    "half a reply": (b"\x05\x00\x05\x00\x00\x03\x05ab",
                     "Error while reading proxy response"),
    "a wrong reply": (b"\x05\x00\x05\x00\x00\x09", "Error: malformed proxy response"),
    "refusal": (b"\x05\x00\x05\x05\x00\x01", "failed: connection refused"),
    "no such onion": (b"\x05\x00\x05\xf0\x00\x01",
                      "failed: onion service descriptor can not be found"),
    "a flood": (b"\x05\x00\x05\x00\x00\x01" + b"\xff" * 1000000,
                "disconnecting peer="),
}


def test_hostile_proxies(lab):
    """Whatever it says: the node goes on, and no peer comes of it."""
    node = lab.node(params=BITCOIN, start=False)
    proxy = Socks5(script=b"")
    node.start("-listen", f"-proxy={proxy.name}")
    for name, (script, log) in HOSTILE.items():
        proxy.script, proxy.hangs_up = script, name == "half a reply"
        before, callers = node.log_size(), proxy.callers
        node.addnode(IPV4, "onetry", v2transport=False)
        wait_until(lambda: proxy.callers == callers + 1)
        node.wait_log(log, before)
        wait_until(lambda: node.getpeerinfo() == [])
    proxy.close()
    before = node.log_size()
    node.addnode(IPV4, "onetry", v2transport=False)
    node.wait_log("Cannot connect to the proxy", before)


def test_what_a_proxy_implies(lab, proxies):
    node = lab.node(f"-proxy={proxies['plain'].name}", params=BITCOIN,
                    conf={"listen": None, "discover": None, "bind": None})
    for name in ("listen", "discover"):
        assert f"parameter interaction: -proxy set -> setting -{name}=0" in node.log()
    node.restart("-noproxy", "-onlynet=cjdns", "-cjdnsreachable", "-bind=127.0.0.1")
    assert "parameter interaction: -bind set -> setting -listen=1" in node.log()


REFUSED = {
    "-proxy=abc..abc:23456": "Invalid -proxy address or hostname: 'abc..abc:23456'",
    "-proxy=192.0.0.1:def": "Invalid port specified in -proxy: '192.0.0.1:def'",
    "-onion=xyz..xyz:23456": "Invalid -onion address or hostname: 'xyz..xyz:23456'",
    "-onion=192.0.0.1:def": "Invalid port specified in -onion: '192.0.0.1:def'",
    "-proxy=/tmp/socket": "Invalid -proxy address or hostname: '/tmp/socket'",
    "-proxy=unix:" + "x" * 1000:
        "Invalid -proxy address or hostname: 'unix:" + "x" * 1000 + "'",
    "-onlynet=abc": "Unknown network specified in -onlynet: 'abc'",
    "-onlynet=cjdns": "Outbound connections restricted to CJDNS (-onlynet=cjdns) but "
                      "-cjdnsreachable is not provided",
    "-onlynet=i2p": "Outbound connections restricted to i2p (-onlynet=i2p) but -i2psam "
                    "is not provided",
    "-onlynet=onion -onion=0":
        "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for "
        "reaching the Tor network is explicitly forbidden: -onion=0",
    "-onlynet=onion -noonion":
        "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for "
        "reaching the Tor network is explicitly forbidden: -onion=0",
    "-onlynet=onion -listenonion=0":
        "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for "
        "reaching the Tor network is not provided: none of -proxy, -onion or "
        "-listenonion is given",
    "-dnsseed=1 -onlynet=onion -onion=127.0.0.1":
        "Incompatible options: -dnsseed=1 was explicitly specified, but -onlynet forbids "
        "connections to IPv4/IPv6",
    "-listen=0": "Cannot set -bind or -whitebind together with -listen=0",
    "-proxy": "Error parsing command line arguments: Can not set -proxy with no value. "
              "Please specify value with -proxy=value.",
}


@pytest.mark.parametrize("options", REFUSED, ids=lambda o: re.sub("x{9,}", "x", o))
def test_refused_at_start(lab, options):
    node = lab.node(params=BITCOIN, start=False)
    assert node.fails_to_start(*options.split()) == "Error: " + REFUSED[options]


def test_port_mapping_is_left_out(lab):
    node = lab.node("-upnp=1", "-natpmp=1", params=BITCOIN)
    for name in ("upnp", "natpmp"):
        assert f"Option -{name} has no effect in this program" in node.log()
