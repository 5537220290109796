"""/metrics: a strict reader over everything, figures against RPC, and the door itself."""
import http.client
import os

import pytest

from framework import fixtures
from framework.messages import TxMsg
from framework.prometheus import parse, value
from framework.rpc import RPCError
from framework.util import wait_until

INDEXES = ("txindex", "coinstatsindex", "basic block filter index")


node = fixtures.node_of_each("-metrics", "-txindex", "-coinstatsindex", "-blockfilterindex")
wallet = fixtures.mini_wallet(105)


def fetch(node, path="/metrics", method="GET", host="127.0.0.1"):
    conn = http.client.HTTPConnection(host, node.rpc_port, timeout=60)
    conn.request(method, path)
    reply = conn.getresponse()
    body = reply.read().decode()
    conn.close()
    return reply, body


def scrape(node):
    reply, body = fetch(node)
    assert reply.status == 200
    assert reply.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return parse(body)


def test_every_family_is_documented(node):
    """In doc/metrics.md: its name, type and, word for word, its help."""
    path = os.path.join(os.path.dirname(__file__), "../../doc/metrics.md")
    with open(path, encoding="utf8") as f:
        rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]]
                for line in f if line.startswith("| `ochre_")]
    listed = {row[0]: row for row in rows}
    assert len(listed) == len(rows)
    families = scrape(node)
    for name, family in families.items():
        assert name.startswith("ochre_") and listed[name][1] == family.type, name
        assert listed[name][3] == family.help, name
        keys = {k for _, labels in family.samples for k, _ in labels} - {"le"}
        assert keys <= set(filter(None, listed[name][2].replace("`", "").split(", "))), name
    tickets = {n for n in listed if n.startswith(("ochre_tickets", "ochre_supernodes"))}
    assert set(listed) - set(families) <= (set() if node.params.tickets else tickets)


def test_the_chain(node, wallet):
    found = scrape(node)
    info = node.getblockchaininfo()
    assert value(found, "ochre_chain_height") == info["blocks"] == 105
    assert value(found, "ochre_chain_headers_height") == info["headers"]
    assert value(found, "ochre_chain_tip_timestamp_seconds") == info["time"]
    assert value(found, "ochre_chain_transactions") == 106
    assert value(found, "ochre_block_files_bytes") == info["size_on_disk"]
    assert value(found, "ochre_block_connect_duration_seconds_count") == 105
    assert value(found, "ochre_coins_cache_entries") >= 105
    for name in INDEXES:
        assert value(found, "ochre_index_height", index=name) == 105
        assert value(found, "ochre_index_synced", index=name) == 1


def test_caches_count(node, wallet):
    before = scrape(node)
    tx = wallet.send()
    wallet.generate(1)
    after = scrape(node)
    assert tx.txid not in node.getrawmempool()
    hit = {"of": "transaction", "result": "hit"}
    name = "ochre_signature_cache_lookups_total"
    assert value(after, name, **hit) > value(before, name, **hit)
    name = "ochre_coins_cache_hits_total"
    assert value(after, name) > value(before, name)


def test_the_mempool(node, wallet):
    for _ in range(3):
        wallet.send()
    found, info = scrape(node), node.getmempoolinfo()
    for name, key in (("transactions", "size"), ("virtual_bytes", "bytes"),
                      ("memory_bytes", "usage"), ("memory_limit_bytes", "maxmempool")):
        assert value(found, f"ochre_mempool_{name}") == info[key]
    assert value(found, "ochre_mempool_fees") == node.params.units(info["total_fee"])
    assert value(found, "ochre_mempool_min_fee_rate") == \
        node.params.units(info["mempoolminfee"])
    wallet.generate(1)
    assert value(scrape(node), "ochre_mempool_transactions") == 0


def test_peers_and_traffic(node, wallet):
    start = scrape(node)
    node.add_peer()
    node.add_outbound()
    found = scrape(node)
    assert value(found, "ochre_peers_connected") == node.getconnectioncount() == 2
    (inbound, outbound) = sorted(node.getpeerinfo(), key=lambda p: not p["inbound"])
    for p, direction in ((inbound, "in"), (outbound, "out")):
        assert value(found, "ochre_peers", direction=direction, network=p["network"],
                     type=p["connection_type"], transport=p["transport_protocol_type"]) == 1
    sent = value(found, "ochre_network_message_bytes_total", direction="out", message="version")
    node.disconnect_peers()
    later = scrape(node)
    assert value(later, "ochre_peers_connected") == 0
    assert found["ochre_peers"].samples and not later["ochre_peers"].samples
    # what peers that have left took is still counted
    assert value(later, "ochre_network_message_bytes_total", direction="out",
                 message="version") == sent
    totals = node.getnettotals()
    for direction, key in (("in", "totalbytesrecv"), ("out", "totalbytessent")):
        name = "ochre_network_bytes_total"
        assert value(start, name, direction=direction) < \
            value(later, name, direction=direction) <= totals[key]
        per_message = sum(v for (_, labels), v
                          in later["ochre_network_message_bytes_total"].samples.items()
                          if ("direction", direction) in labels)
        assert per_message <= totals[key]


def test_orphans_and_bans(node, wallet):
    orphan = wallet.chain(2, fee=1000)[1]
    peer = node.add_peer()
    peer.send(TxMsg(orphan))
    wait_until(lambda: value(scrape(node), "ochre_orphan_transactions") == 1)
    node.setban("10.1.2.0/24", "add")
    assert value(scrape(node), "ochre_banned_subnets") == 1
    node.clearbanned()
    node.disconnect_peers()


def test_rpc_calls(node):
    def calls(found, method):
        return value(found, "ochre_rpc_call_duration_seconds_count", method=method), \
            value(found, "ochre_rpc_errors_total", method=method)
    node.getblockhash(1)
    before = calls(scrape(node), "getblockhash")
    node.getblockhash(1)
    with pytest.raises(RPCError):
        node.getblockhash(10 ** 6)
    with pytest.raises(RPCError):
        node.getblockhash("one")
    with pytest.raises(RPCError):
        node.rpc.call("no such method")
    found = scrape(node)
    assert calls(found, "getblockhash") == (before[0] + 3, before[1] + 2)
    assert calls(found, "unknown") == (1, 1)
    assert value(found, "ochre_rpc_active_calls") == 0


def test_wallets_and_process(node):
    node.new_wallet("counted")
    found = scrape(node)
    assert value(found, "ochre_wallets_loaded") == 1
    node.unloadwallet("counted")
    assert value(scrape(node), "ochre_wallets_loaded") == 0
    for name in ("resident_memory_bytes", "virtual_memory_bytes", "threads", "open_fds",
                 "max_fds", "cpu_seconds_total", "start_time_seconds"):
        assert value(found, f"ochre_process_{name}") > 0
    assert value(found, "ochre_uptime_seconds") > 0
    assert value(found, "ochre_build_info", version=found_version(found), chain="regtest",
                 personality=node.params.name) == 1


def found_version(found):
    ((_, labels),) = found["ochre_build_info"].samples
    return dict(labels)["version"]


def test_the_door(node, lab, params):
    for method in ("POST", "PUT", "DELETE"):
        reply, _ = fetch(node, method=method)
        assert reply.status == 405
    assert fetch(node, "/metrics?x=y")[0].status == 200
    assert fetch(node, "/metricsx")[0].status == 404
    assert fetch(node, "/metrics/x")[0].status == 404
    # no password is asked for, as with -rest; without the option there is nothing
    assert "WWW-Authenticate" not in fetch(node)[0].headers
    plain = lab.node(params=params)
    assert fetch(plain)[0].status == 404


def test_supernodes_and_tickets(node):
    found = scrape(node)
    if not node.params.tickets:
        assert not any(n.startswith(("ochre_tickets", "ochre_supernodes")) for n in found)
        return
    assert value(found, "ochre_supernodes_active") == 0
    assert value(found, "ochre_tickets", kind="id") == 0
