"""The REST door: every path in every format it has, and what is refused."""
import http.client
import json
import struct
from decimal import Decimal

import pytest

from framework import fixtures
from framework.codec import compact_size
from framework.primitives import Block, Tx

UNKNOWN = "00" * 31 + "ff"


node = fixtures.node_of_each("-rest", "-txindex")
wallet = fixtures.mini_wallet(110)


@pytest.fixture(scope="module")
def rest(node, wallet):
    conn = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=30)

    def get(path, status=200, method="GET", body=None):
        conn.request(method, f"/rest/{path}", body)
        reply = conn.getresponse()
        data = reply.read()
        assert reply.status == status, (path, reply.status, data[:200])
        kind = reply.getheader("Content-Type")
        if status != 200:
            assert kind in (None, "text/plain")
            return data.decode().rstrip("\r\n")
        if ".json" in path:
            assert kind == "application/json" and data.endswith(b"\n")
            return json.loads(data, parse_float=Decimal)
        if ".hex" in path:
            assert kind == "text/plain" and data.endswith(b"\n")
            return bytes.fromhex(data.decode())
        assert kind == "application/octet-stream"
        return data
    yield get
    conn.close()


def test_off_by_default(lab, params):
    node = lab.node(params=params)
    conn = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=30)
    conn.request("GET", "/rest/chaininfo.json")
    assert conn.getresponse().status in (404, 405)
    conn.close()


def test_transactions(node, wallet, rest):
    pending = wallet.send()
    (mined,) = node.getblock(node.getblockhash(5))["tx"]
    for txid in (pending.txid, mined):
        raw = bytes.fromhex(node.getrawtransaction(txid))
        assert rest(f"tx/{txid}.bin") == rest(f"tx/{txid}.hex") == raw
        shown = rest(f"tx/{txid}.json")
        assert shown["txid"] == Tx.from_hex(shown["hex"]).txid == txid
    assert shown["blockhash"] == node.getblockhash(5)
    assert rest("tx/abc.json", 400) == "Invalid hash: abc"
    assert rest(f"tx/{UNKNOWN}.bin", 404) == f"{UNKNOWN} not found"
    assert rest(f"tx/{mined}", 404) == "output format not found (available: .bin, .hex, .json)"
    assert rest(f"tx/{mined}.xml", 404).startswith("output format not found")


def test_blocks(node, rest):
    tip = node.getblockhash(100)
    raw = bytes.fromhex(node.getblock(tip, 0))
    assert rest(f"block/{tip}.bin") == rest(f"block/{tip}.hex") == raw
    assert Block.from_hex(raw.hex()).hash == tip
    full, short = rest(f"block/{tip}.json"), rest(f"block/notxdetails/{tip}.json")
    assert full["tx"][0]["txid"] == short["tx"][0]
    assert full["height"] == short["height"] == 100
    assert rest("block/xyz.bin", 400) == "Invalid hash: xyz"
    assert rest(f"block/{UNKNOWN}.json", 404) == f"{UNKNOWN} not found"


def test_hashes_by_height(node, rest):
    tip = node.getblockhash(7)
    assert rest("blockhashbyheight/7.json") == {"blockhash": tip}
    assert rest("blockhashbyheight/7.bin")[::-1].hex() == tip
    assert rest("blockhashbyheight/7.hex").hex() == tip
    assert rest("blockhashbyheight/0.json")["blockhash"] == node.getblockhash(0)
    for bad in ("-1", "x", "7x", "99999999999"):
        assert rest(f"blockhashbyheight/{bad}.json", 400) == f"Invalid height: {bad}"
    assert rest("blockhashbyheight/100000.bin", 404) == "Block height out of range"


def test_headers(node, rest):
    start = node.getblockhash(3)
    raw = rest(f"headers/{start}.bin?count=3")
    assert len(raw) == 3 * 80 and raw == rest(f"headers/3/{start}.hex")
    assert raw[:80].hex() == node.getblockheader(start, False)
    shown = rest(f"headers/{start}.json")
    assert [h["height"] for h in shown] == [3, 4, 5, 6, 7]
    assert shown[0] == node.getblockheader(start)
    assert rest(f"headers/{node.getbestblockhash()}.json?count=2000")[0]["hash"] \
        == node.getbestblockhash()
    assert rest(f"headers/{UNKNOWN}.json") == []
    for bad in ("0", "2001", "-1", "x", "99999999999999999999"):
        text = f"Header count is invalid or out of acceptable range (1-2000): {bad}"
        assert rest(f"headers/{start}.json?count={bad}", 400) == text
        assert rest(f"headers/{bad}/{start}.json", 400) == text
    assert rest("headers/abc.json", 400) == "Invalid hash: abc"


def test_stale_blocks(node, wallet, rest):
    """A block off the active chain can be read, but has no headers behind it."""
    stale = node.getbestblockhash()
    node.invalidateblock(stale)
    assert rest(f"headers/{stale}.json") == []
    assert rest(f"headers/{node.getbestblockhash()}.json")[0]["confirmations"] == 1
    assert rest(f"block/{stale}.json")["confirmations"] == -1
    node.reconsiderblock(stale)
    assert len(rest(f"headers/{stale}.json")) == 1


def test_the_chain(node, rest):
    assert rest("chaininfo.json") == node.getblockchaininfo()
    assert rest("deploymentinfo.json") == node.getdeploymentinfo()
    early = node.getblockhash(2)
    assert rest(f"deploymentinfo/{early}.json") == node.getdeploymentinfo(early)
    assert rest("deploymentinfo/abc.json", 400) == "Invalid hash: abc"
    assert rest(f"deploymentinfo/{UNKNOWN}.json", 400) == "Block not found"
    assert rest("chaininfo.bin", 404) == "output format not found (available: json)"


def test_the_mempool(node, wallet, rest):
    txid = wallet.send().txid
    assert rest("mempool/info.json") == node.getmempoolinfo()
    assert txid in rest("mempool/contents.json")
    assert rest("mempool/contents.json?verbose=true") == node.getrawmempool(True)
    assert txid in rest("mempool/contents.json?verbose=false")
    with_number = rest("mempool/contents.json?verbose=false&mempool_sequence=true")
    assert with_number == node.getrawmempool(False, True)
    for name in ("verbose", "mempool_sequence"):
        assert rest(f"mempool/contents.json?{name}=TRUE", 400) == \
            f'The "{name}" query parameter must be either "true" or "false".'
    assert rest("mempool/contents.json?verbose=true&mempool_sequence=true", 400).startswith(
        "Verbose results cannot contain mempool sequence values.")
    assert rest("mempool/else.json", 400) == \
        "Invalid URI format. Expected /rest/mempool/<info|contents>.json"


def outpoint(txid, n):
    return bytes.fromhex(txid)[::-1] + struct.pack("<I", n)


def test_unspent_outputs(node, wallet, rest):
    coin = wallet.get_utxo(confirmed_only=True)
    kept = wallet.get_utxo(confirmed_only=True, keep=True)
    spend = wallet.create(utxos=[coin], outputs=2)
    wallet.broadcast(spend)
    old, new = f"{coin.txid}-{coin.vout}", f"{spend.txid}-1"
    chain = rest(f"getutxos/{old}/{new}/{kept.txid}-{kept.vout}.json")
    assert chain["bitmap"] == "101" and chain["chainHeight"] == node.getblockcount()
    assert chain["chaintipHash"] == node.getbestblockhash()
    assert [u["height"] for u in chain["utxos"]] == [coin.height, kept.height]
    assert chain["utxos"][0]["scriptPubKey"]["hex"] == wallet.script_pubkey.hex()
    pool = rest(f"getutxos/checkmempool/{old}/{new}.json")
    assert pool["bitmap"] == "01"
    assert pool["utxos"][0]["height"] == 0x7fffffff
    assert pool["utxos"][0]["value"] == node.params.amount(spend.vout[1].value)

    octets = rest(f"getutxos/checkmempool/{old}/{new}.bin")
    assert octets == rest(f"getutxos/checkmempool/{old}/{new}.hex")
    script = spend.vout[1].script_pubkey
    assert octets == (struct.pack("<I", node.getblockcount())
                      + bytes.fromhex(node.getbestblockhash())[::-1] + b"\x01\x02\x01"
                      + struct.pack("<IIQ", 0, 0x7fffffff, spend.vout[1].value)
                      + compact_size(len(script)) + script)
    body = b"\x01\x02" + outpoint(coin.txid, coin.vout) + outpoint(spend.txid, 1)
    assert rest("getutxos.bin", method="POST", body=body) == octets
    assert rest("getutxos.hex", method="POST", body=body.hex()) == octets


def test_unspent_outputs_refused(wallet, rest):
    coin = f"{wallet.get_utxo(keep=True).txid}-0"
    many = "/".join([coin] * 16)
    assert rest("getutxos.json", 400) == "Error: empty request"
    assert rest("getutxos/checkmempool.json", 400) == "Error: empty request"
    for bad in ("zz", coin + "x", coin[1:], coin[:-2], coin.replace("-", "+")):
        assert rest(f"getutxos/{bad}.json", 400) == "Parse error"
    assert rest(f"getutxos/{many}.json", 400) == \
        "Error: max outpoints exceeded (max: 15, tried: 16)"
    assert rest(f"getutxos/{many[:-len(coin) - 1]}.json")["bitmap"] == "1" * 15
    assert rest(f"getutxos/{coin}.bin", 400, "POST", b"\x01\x00") == \
        "Combination of URI scheme inputs and raw post data is not allowed"
    for text in ('{"checkmempool', "{}"):  # no body is read for JSON
        assert rest("getutxos.json", 400, "POST", text) == "Error: empty request"
    for bad in (b"\x01", b"\x01\x01", b"\x01\x01" + b"\0" * 35, b"\x01\x00\x00",
                b"\x00\xff" + b"\xff" * 8):
        rest("getutxos.bin", 400, "POST", bad)
    assert rest("getutxos.hex", 400, "POST", b"0g") == "Parse error"


def test_tickets_supernodes_and_proofs(node, rest, params):
    if not params.tickets:
        pytest.skip("a rule of the Ochre networks")
    assert rest("supernodes.json") == node.supernode("list")
    assert rest(f"ticket/{UNKNOWN}.json", 404)
    assert rest("ticket/abc.json", 400) == "Invalid hash: abc"
    proof = rest("stateproof/42.json")
    assert proof["key"] == "42" and proof == node.getstateproof("42")
    assert rest('stateproof/".json', 400) == 'Invalid key: "'
    rest("stateproof/4.json", 404)


def test_unknown_paths(rest):
    rest("nothing", 404)
    rest("", 404)
