"""-blockfilterindex: filters over RPC and REST, along with the chain, caught up later, through
reorganisations; rescans by filters; serving them to peers (BIP 157)."""
import json
import struct
import urllib.error
import urllib.request

import pytest

from framework import fixtures
from framework.codec import compact_size
from framework.hashes import hash256
from framework.messages import Raw
from framework.rpc import expect_error
from framework.util import wait_until

NAME = "basic block filter index"
UNKNOWN = "00" * 31 + "ff"


node = fixtures.node_of_each("-blockfilterindex=1", "-rest")
wallet = fixtures.mini_wallet(105)


def synced(node):
    info = node.getindexinfo(NAME)
    return bool(info) and info[NAME]["synced"]


def check_headers(node, first=0):
    """Each header is the hash of its filter's hash and the header before."""
    before = b"\0" * 32 if first == 0 else header(node, first - 1)
    for height in range(first, node.getblockcount() + 1):
        f = node.getblockfilter(node.getblockhash(height))
        before = hash256(hash256(bytes.fromhex(f["filter"])) + before)
        assert f["header"] == before[::-1].hex()


def header(node, height):
    return bytes.fromhex(node.getblockfilter(node.getblockhash(height))["header"])[::-1]


def test_filters_of_a_chain(node, wallet):
    assert node.getindexinfo() == {NAME: {"synced": True,
                                          "best_block_height": node.getblockcount()}}
    assert node.getindexinfo("txindex") == {}
    check_headers(node)
    wallet.send()
    wallet.generate(1)
    check_headers(node, node.getblockcount() - 1)


def test_errors(node, wallet, lab, params):
    tip = node.getbestblockhash()
    expect_error(-5, "Block not found", node.getblockfilter, UNKNOWN)
    expect_error(-5, "Unknown filtertype", node.getblockfilter, tip, "extended")
    expect_error(-8, "blockhash must be of length 64", node.getblockfilter, "12")
    plain = lab.node(params=params)
    expect_error(-1, "Index is not enabled for filtertype basic",
                 plain.getblockfilter, plain.getbestblockhash())
    plain.stop()
    assert "Unknown -blockfilterindex value abc." in \
        plain.fails_to_start("-blockfilterindex=abc")
    assert "Cannot set -peerblockfilters without -blockfilterindex." in \
        plain.fails_to_start("-peerblockfilters")


def test_a_reorganisation(node, wallet):
    height = node.getblockcount()
    old = [node.getblockhash(height - i) for i in range(3)]
    kept = {h: node.getblockfilter(h) for h in old}
    node.invalidateblock(old[-1])
    assert node.getindexinfo()[NAME] == {"synced": True, "best_block_height": height - 3}
    wallet.rescan()
    wallet.generate(4)
    check_headers(node, height - 3)
    for h in old:  # stale blocks are found still
        assert node.getblockfilter(h) == kept[h]
    node.reconsiderblock(old[-1])
    assert node.getbestblockhash() not in old
    check_headers(node, height - 3)


def test_switched_on_later(lab, params, node, wallet):
    late = lab.node(params=params)
    late.addnode(f"127.0.0.1:{node.p2p_port}", "onetry")
    wait_until(lambda: late.getbestblockhash() == node.getbestblockhash())
    late.restart("-blockfilterindex=basic")
    wait_until(lambda: synced(late))
    for height in (0, 1, 50, late.getblockcount()):
        h = late.getblockhash(height)
        assert late.getblockfilter(h) == node.getblockfilter(h)


def test_survives_a_kill(lab, params):
    node = lab.node("-blockfilterindex", params=params)
    node.generatetodescriptor(30, "raw(51)")
    node.kill()
    node.start()
    node.generatetodescriptor(3, "raw(51)")
    wait_until(lambda: synced(node))
    check_headers(node)


def test_over_rest(node, wallet):
    def get(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{node.rpc_port}/rest/{path}") as r:
            return r.read()
    h = node.getblockhash(3)
    f = node.getblockfilter(h)
    raw = bytes.fromhex(f["filter"])
    assert json.loads(get(f"blockfilter/basic/{h}.json")) == {"filter": f["filter"]}
    want = b"\0" + bytes.fromhex(h)[::-1] + bytes([len(raw)]) + raw
    assert get(f"blockfilter/basic/{h}.bin") == want
    assert bytes.fromhex(get(f"blockfilter/basic/{h}.hex").decode()) == want
    headers = json.loads(get(f"blockfilterheaders/basic/{h}.json?count=3"))
    assert headers == [node.getblockfilter(node.getblockhash(i))["header"] for i in (3, 4, 5)]
    assert get(f"blockfilterheaders/basic/2/{h}.bin") == \
        b"".join(bytes.fromhex(x)[::-1] for x in headers[:2])
    for path, status in ((f"blockfilter/else/{h}.json", 400), ("blockfilter/basic.json", 400),
                         (f"blockfilter/basic/{UNKNOWN}.bin", 404)):
        with pytest.raises(urllib.error.HTTPError) as info:
            get(path)
        assert info.value.code == status, path


# --- BIP 157 --------------------------------------------------------------------------------

def ask(peer, command, reply, payload, count=1):
    """Sends a request; the payloads of the next replies of that kind."""
    before = len(peer.received(reply))
    peer.send(Raw(command, payload))
    wait_until(lambda: len(peer.received(reply)) >= before + count)
    return [m.payload for m in peer.received(reply)[before:]]


def request(node, first, last, kind=0):
    return struct.pack("<BI", kind, first) + bytes.fromhex(node.getblockhash(last))[::-1]


@pytest.fixture(scope="module")
def server(module_lab, params):
    node = module_lab.node("-blockfilterindex", "-peerblockfilters", params=params)
    node.generatetodescriptor(1010, "raw(51)")
    return node


def test_filters_are_served(server):
    peer = server.add_peer()
    assert server.getnetworkinfo()["localservicesnames"].count("COMPACT_FILTERS") == 1
    assert peer.received("version")[0].services & 1 << 6
    got = ask(peer, "getcfilters", "cfilter", request(server, 1, 10), 10)
    for height, payload in enumerate(got, 1):
        h = server.getblockhash(height)
        raw = bytes.fromhex(server.getblockfilter(h)["filter"])
        assert payload == b"\0" + bytes.fromhex(h)[::-1] + compact_size(len(raw)) + raw


def test_filter_headers_are_served(server):
    peer = server.add_peer()
    for first, last in ((0, 3), (1, 1010), (500, 500)):
        (got,) = ask(peer, "getcfheaders", "cfheaders", request(server, first, last))
        head = header(server, first - 1) if first else b"\0" * 32
        stop = bytes.fromhex(server.getblockhash(last))[::-1]
        count = compact_size(last - first + 1)
        assert got.startswith(b"\0" + stop + head + count)
        hashes = got[65 + len(count):]
        for i in range(last - first + 1):
            head = hash256(hashes[32 * i:32 * i + 32] + head)
        assert head == header(server, last) and len(hashes) == 32 * (last - first + 1)


def test_filter_checkpoints_are_served(server):
    peer = server.add_peer()
    for last, points in ((999, 0), (1000, 1), (1010, 1)):
        stop = bytes.fromhex(server.getblockhash(last))[::-1]
        (got,) = ask(peer, "getcfcheckpt", "cfcheckpt", b"\0" + stop)
        assert got == b"\0" + stop + bytes([points]) + header(server, 1000) * points


@pytest.mark.parametrize("command, first, last, kind, why", (
    ("getcfilters", 0, 1000, 0, "requested too many cfilters/cfheaders: 1001 / 1000"),
    ("getcfilters", 6, 5, 0, "sent invalid getcfilters/getcfheaders with start height 6 and stop height 5"),
    ("getcfilters", 0, 5, 1, "requested unsupported block filter type: 1"),
    ("getcfheaders", 9, 5, 0, "sent invalid getcfilters/getcfheaders with start height 9 and stop height 5"),
    ("getcfheaders", 0, 5, 255, "requested unsupported block filter type: 255")))
def test_filter_requests_that_no_honest_peer_makes(server, command, first, last, kind, why):
    peer = server.add_peer()
    start = server.log_size()
    peer.send(Raw(command, request(server, first, last, kind)))
    peer.wait_disconnect()
    server.wait_log(why, start)


def test_filters_of_unknown_blocks(server):
    peer = server.add_peer()
    start = server.log_size()
    peer.send(Raw("getcfcheckpt", b"\0" + b"\x01" * 32))
    peer.wait_disconnect()
    server.wait_log("requested invalid block hash: " + "01" * 32, start)


def test_filters_are_not_served_unasked_for(node, wallet):
    peer = node.add_peer()
    assert not peer.received("version")[0].services & 1 << 6
    peer.send(Raw("getcfilters", request(node, 0, 1)))
    peer.wait_disconnect()
