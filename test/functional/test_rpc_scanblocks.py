"""scanblocks over descriptors: ranges, false positives, status, abort, errors, pruned blocks."""
import threading

import pytest

from framework import fixtures
from framework import script as sc
from framework.key import Key
from framework.rpc import expect_error
from framework.util import wait_until

XPUB = ("tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESa"
        "AstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B")
KEY = Key.from_seed("scanned blocks")
OTHER = Key.from_seed("not there")


node = fixtures.node_of_each("-blockfilterindex=1")
wallet = fixtures.mini_wallet(110)


def raw(script_pubkey):
    return f"raw({script_pubkey.hex()})"


def scan(node, desc, *args, **kwargs):
    got = node.scanblocks("start", desc if isinstance(desc, list) else [desc], *args, **kwargs)
    assert got["completed"] is True
    return got["relevant_blocks"]


@pytest.fixture(scope="module")
def paid(node, wallet):
    """Block that pays a script, and the one that spends that output."""
    script = sc.p2wpkh(KEY.pubkey)
    tx, n = wallet.send_to(script, 100_000)
    (pays,) = wallet.generate(1)
    wallet.generate(3)
    spend = node.createrawtransaction([{"txid": tx.txid, "vout": n}],
                                      [{"data": "00" * 40}])
    signed = node.signrawtransactionwithkey(spend, [KEY.wif(node.params)], [
        {"txid": tx.txid, "vout": n, "scriptPubKey": script.hex(),
         "amount": node.params.amount(100_000)}])
    assert signed["complete"]
    node.sendrawtransaction(signed["hex"], 0)
    (spends,) = wallet.generate(1)
    wallet.generate(2)
    return pays, spends


def test_payments_and_spends(node, paid):
    script = sc.p2wpkh(KEY.pubkey)
    height = node.getblockcount()
    for desc in (raw(script), f"wpkh({KEY.pubkey.hex()})", f"combo({KEY.pubkey.hex()})"):
        assert scan(node, desc) == list(paid)
    got = node.scanblocks("start", [raw(script)])
    assert got == {"from_height": 0, "to_height": height, "relevant_blocks": list(paid),
                   "completed": True}
    assert scan(node, [raw(sc.p2wpkh(OTHER.pubkey)), raw(script)]) == list(paid)
    assert scan(node, raw(sc.p2wpkh(OTHER.pubkey)), 0, height, "basic",
                {"filter_false_positives": True}) == []


def test_ranges_of_blocks(node, paid):
    desc = raw(sc.p2wpkh(KEY.pubkey))
    first, last = (node.getblockheader(h)["height"] for h in paid)
    assert scan(node, desc, first) == list(paid)
    assert scan(node, desc, first + 1) == [paid[1]]
    assert scan(node, desc, 0, last - 1) == [paid[0]]
    assert scan(node, desc, first + 1, last - 1) == []
    got = node.scanblocks("start", [desc], last, last)
    assert got == {"from_height": last, "to_height": last, "relevant_blocks": [paid[1]],
                   "completed": True}
    assert scan(node, desc, 0, 0) == []
    assert node.rpc.call("scanblocks", action="start", scanobjects=[desc], stop_height=first,
                         filter_false_positives=True)["relevant_blocks"] == [paid[0]]


def test_ranges_of_descriptors(node, wallet, paid):
    (address,) = node.deriveaddresses(node.getdescriptorinfo(f"wpkh({XPUB}/3/*)")["descriptor"],
                                      [7, 7])
    script = bytes.fromhex(node.validateaddress(address)["scriptPubKey"])
    wallet.send_to(script, 50_000)
    (block,) = wallet.generate(1)
    desc = f"wpkh({XPUB}/3/*)"
    verify = (0, node.getblockcount(), "basic", {"filter_false_positives": True})
    assert scan(node, [{"desc": desc, "range": [0, 10]}], *verify) == [block]
    assert scan(node, [{"desc": desc, "range": 7}], *verify) == [block]
    assert scan(node, [{"desc": desc, "range": [8, 20]}], *verify) == []
    assert scan(node, desc, *verify) == [block]   # the first thousand


def test_genesis_and_coinbases(node, wallet):
    hashes = [node.getblockhash(h) for h in range(node.getblockcount() + 1)]
    assert scan(node, wallet.descriptor()) == hashes[1:]
    (out,) = node.getblock(hashes[0], 2)["tx"][0]["vout"]
    if not out["scriptPubKey"]["hex"].startswith("6a"):
        assert scan(node, f"raw({out['scriptPubKey']['hex']})", 0, 0) == [hashes[0]]


def test_false_positives(node, paid):
    """A thousand scripts over all blocks match by chance now and then; reading tells."""
    desc = [{"desc": f"wpkh({XPUB}/9/*)", "range": 999}]
    assert scan(node, desc, 0, node.getblockcount(), "basic",
                {"filter_false_positives": True}) == []


def test_status_and_abort(node, paid):
    assert node.scanblocks("status") is None
    assert node.scanblocks("abort") is False
    got = {}
    desc = [{"desc": f"wpkh({XPUB}/5/*)", "range": 20_000}]

    def run():
        got["error"] = None
        try:
            got["result"] = node.scanblocks("start", desc)
        except Exception as e:  # pylint: disable=broad-except
            got["error"] = e
    thread = threading.Thread(target=run)
    thread.start()
    status = wait_until(lambda: node.scanblocks("status") or not thread.is_alive())
    assert 0 <= status["progress"] <= 100 and status["current_height"] >= 0
    expect_error(-8, "Scan already in progress, use action \"abort\" or \"status\"",
                 node.scanblocks, "start", [raw(b"\x51")])
    assert node.scanblocks("abort") is True
    thread.join()
    assert got["error"] is None and got["result"]["completed"] is False
    assert node.scanblocks("status") is None


@pytest.mark.parametrize("code, text, args", (
    (-8, "Invalid action 'foobar'", ("foobar",)),
    (-3, "JSON value of type null is not of expected type array", ("start",)),
    (-1, "Invalid start_height", ("start", ["raw(51)"], 100_000_000)),
    (-1, "Invalid start_height", ("start", ["raw(51)"], -1)),
    (-1, "Invalid stop_height", ("start", ["raw(51)"], 0, 100_000_000)),
    (-1, "Invalid stop_height", ("start", ["raw(51)"], 10, 5)),
    (-5, "Unknown filtertype", ("start", ["raw(51)"], 0, 10, "extended")),
    (-5, "is not a valid descriptor function", ("start", ["foo(51)"])),
    (-8, "Range should be greater or equal than 0",
     ("start", [{"desc": f"wpkh({XPUB}/*)", "range": [-1, 1]}]))))
def test_errors(node, code, text, args):
    expect_error(code, text, node.scanblocks, *args)
    assert node.scanblocks("status") is None


def test_without_an_index(lab, params):
    plain = lab.node(params=params)
    expect_error(-1, "Index is not enabled for filtertype basic",
                 plain.scanblocks, "start", ["raw(51)"])
    assert plain.scanblocks("status") is None
