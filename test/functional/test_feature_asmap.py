"""-asmap: which file is read, how it is refused, and what the map changes."""
import os

import pytest

from framework import asmap
from framework.util import wait_until

MAP = asmap.compile_map({"11.0.0.0/8": 64500, "12.0.0.0/9": 64501, "12.128.0.0/9": 64502,
                         "2a00::/12": 64500, "44.0.0.0/8": 4200000})
PREFIX_LINE = "Using /16 prefix for IP bucketing"


@pytest.fixture
def node(lab, params):
    node = lab.node("-checkaddrman=1", "-test=addrman", "-connect=0", params=params,
                    start=False)
    os.makedirs(node.chain_dir)
    return node


def _write(path, data=MAP):
    with open(path, "wb") as f:
        f.write(data)


def _logs(node, text, *args, file=None):
    start = node.log_size()
    node.start(*args)
    log = node.log(start)
    assert text in log
    opened = f'Opened asmap file "{file}" ({len(MAP)} bytes) from disk'
    assert opened in log if file else "Opened asmap file" not in log
    node.stop()


def test_which_file(node, tmp_path):
    _logs(node, PREFIX_LINE)
    line = f"Using asmap version {asmap.version(MAP)} for IP bucketing"
    _write(node.path("ip_asn.map"))
    _logs(node, line, "-asmap", file=node.path("ip_asn.map"))
    _logs(node, line, "-asmap=", file=node.path("ip_asn.map"))
    _logs(node, PREFIX_LINE, "-noasmap")
    _logs(node, PREFIX_LINE)
    _write(node.path("other.map"))
    _logs(node, line, "-asmap=other.map", file=node.path("other.map"))
    _write(tmp_path / "absolute.map")
    _logs(node, line, f"-asmap={tmp_path}/absolute.map", file=tmp_path / "absolute.map")


@pytest.mark.parametrize("data, what", [
    (None, "Could not find asmap file"), (b"", "Could not parse asmap file"),
    (MAP[:-3], "Could not parse asmap file"), (b"\xff" * 40, "Could not parse asmap file"),
])
def test_refused_files(node, data, what):
    if data is not None:
        _write(node.path("ip_asn.map"), data)
    err = node.fails_to_start("-asmap")
    assert err == f'Error: {what} "{node.path("ip_asn.map")}"'


def test_systems_in_the_address_manager(node):
    _write(node.path("ip_asn.map"))
    node.start("-asmap")
    for host in ("11.1.2.3", "12.1.2.3", "12.200.2.3", "13.1.2.3", "2a00:1:2::3",
                 "44.5.6.7"):
        assert node.addpeeraddress(host, 8333, host.startswith("1"))["success"]
    raw = node.getrawaddrman()
    found = {e["address"]: e for table in raw.values() for e in table.values()}
    systems = {host: e.get("mapped_as") for host, e in found.items()}
    assert systems == {"11.1.2.3": 64500, "12.1.2.3": 64501, "12.200.2.3": 64502,
                       "13.1.2.3": None, "2a00:1:2::3": 64500, "44.5.6.7": 4200000}
    assert all(e.get("source_mapped_as") == e.get("mapped_as") for e in found.values())
    places = raw
    node.restart("-asmap")                 # every address is where it was
    assert node.getrawaddrman() == places
    node.restart()                         # without the map: other buckets, same addresses
    again = node.getrawaddrman()
    assert {e["address"] for t in again.values() for e in t.values()} == set(found)
    assert not any("mapped_as" in e for t in again.values() for e in t.values())
    assert again != places
    start = node.log_size()
    node.restart("-asmap")
    assert node.getaddrmaninfo()["all_networks"]["total"] == len(found)
    tables = "CheckAddrman: new 2, tried 4, total 6"
    for _ in range(2):
        assert f"[addrman] {tables} started" in node.log(start)
        assert "[addrman] CheckAddrman: completed" in node.log(start)
        start = node.log_size()
        node.getnodeaddresses()            # checks again


def test_health_check(node):
    _write(node.path("ip_asn.map"))
    node.start("-asmap")
    for host in ("11.1.2.3", "11.3.2.3", "12.1.2.3", "13.1.2.3"):
        node.addpeeraddress(host, 8333)
    start = node.log_size()
    node.mockscheduler(3600)
    for _ in range(23):
        node.mockscheduler(3600)
    node.wait_log("ASMap Health Check: 3 clearnet peers are mapped to 2 ASNs with 1 peers "
                  "being unmapped", start)


def test_peers_without_a_routable_address_have_no_system(node):
    _write(node.path("ip_asn.map"))
    node.start("-asmap")
    node.add_peer()
    wait_until(lambda: node.getpeerinfo())
    assert "mapped_as" not in node.getpeerinfo()[0]
