"""RPC methods that read the chain: results, and errors for bad arguments."""
from decimal import Decimal
import threading

import pytest

from framework.blocks import Chain
from framework.primitives import Block
from framework.rpc import expect_error
from framework.util import wait_until
from framework.vectors import load
from framework.wallet import MiniWallet

HEIGHT = 200
UNKNOWN = "00" * 31 + "01"
T0 = 1795140000


@pytest.fixture(scope="module")
def node(module_lab, params):
    """A chain of 200 blocks, 600 s apart, of which the last 100 are mature."""
    node = module_lab.node(params=params, start=False)
    node.start(f"-mocktime={T0}")
    wallet = MiniWallet(node)
    desc = wallet.descriptor()
    for i in range(HEIGHT):
        node.set_time(T0 + 600 * i)
        node.generatetodescriptor(1, desc)
        assert node.getblockcount() == i + 1
    return node


@pytest.fixture(scope="module")
def best(node):
    return node.getbestblockhash()


def test_getblockchaininfo(node, best):
    info = node.getblockchaininfo()
    assert {"chain", "blocks", "headers", "bestblockhash", "difficulty", "time",
            "mediantime", "verificationprogress", "initialblockdownload", "chainwork",
            "size_on_disk", "pruned", "warnings"} <= set(info)
    assert info["chain"] == "regtest"
    assert info["blocks"] == info["headers"] == HEIGHT
    assert info["bestblockhash"] == best
    assert info["time"] == T0 + 600 * (HEIGHT - 1)
    assert info["mediantime"] == T0 + 600 * (HEIGHT - 6)
    assert info["verificationprogress"] == 1
    assert info["chainwork"] == f"{2 * (HEIGHT + 1):064x}"
    assert info["pruned"] is False
    assert info["size_on_disk"] > 0
    assert not any(k in info for k in ("pruneheight", "automatic_pruning"))


def test_getdeploymentinfo(node, best):
    info = node.getdeploymentinfo()
    assert info["hash"] == best and info["height"] == HEIGHT
    for name in ("bip34", "bip66", "bip65", "csv", "segwit"):
        entry = info["deployments"][name]
        assert entry["type"] == "buried" and entry["active"] is True
        assert entry["height"] in (0, 1)
    early = node.getdeploymentinfo(node.getblockhash(3))
    assert early["height"] == 3
    expect_error(-5, "Block not found", node.getdeploymentinfo, UNKNOWN)


def test_getchaintxstats(node, best):
    stats = node.getchaintxstats()
    assert stats["window_final_block_hash"] == best
    assert stats["window_final_block_height"] == HEIGHT
    assert stats["window_block_count"] == HEIGHT - 1
    assert stats["window_tx_count"] == HEIGHT - 1
    assert stats["txcount"] == HEIGHT + 1
    assert stats["time"] == T0 + 600 * (HEIGHT - 1)
    span = stats["window_interval"]
    assert stats["txrate"].quantize(Decimal("1e-6")) == (
        Decimal(HEIGHT - 1) / span).quantize(Decimal("1e-6"))
    b1 = node.getblockhash(1)
    first = node.getchaintxstats(blockhash=b1)
    assert first["window_block_count"] == 0 and first["txcount"] == 2
    assert "window_tx_count" not in first and "txrate" not in first
    expect_error(-3, "is not of expected type number", node.getchaintxstats, "")
    for bad in (-1, HEIGHT):
        expect_error(-8, "Invalid block count: should be between 0 and the block's "
                     "height - 1", node.getchaintxstats, bad)
    expect_error(-3, "is not of expected type string", node.getchaintxstats,
                 blockhash=0)
    expect_error(-8, "blockhash must be of length 64 (not 1, for '0')",
                 node.getchaintxstats, blockhash="0")
    expect_error(-8, f"blockhash must be hexadecimal string (not '{'Z' * 64}')",
                 node.getchaintxstats, blockhash="Z" * 64)
    expect_error(-5, "Block not found", node.getchaintxstats, blockhash=UNKNOWN)


def test_gettxoutsetinfo(node, best):
    info = node.gettxoutsetinfo()
    params = node.params
    total = sum(params.max_coinbase(h) for h in range(1, HEIGHT + 1))
    assert info["height"] == HEIGHT and info["bestblock"] == best
    assert info["txouts"] == info["transactions"] == HEIGHT
    assert info["total_amount"] == params.amount(total)
    assert info["bogosize"] > 0 and info["disk_size"] >= 0
    assert len(info["hash_serialized_3"]) == 64
    none = node.gettxoutsetinfo("none")
    assert "hash_serialized_3" not in none and "muhash" not in none
    muhash = node.gettxoutsetinfo("muhash")
    assert len(muhash["muhash"]) == 64 and "hash_serialized_3" not in muhash
    expect_error(-8, "'foo hash' is not a valid hash_type", node.gettxoutsetinfo,
                 "foo hash")


def test_gettxoutsetinfo_hash_follows_the_chain(node, best):
    """Taking back one block and adding it again restores the very same set."""
    before = node.gettxoutsetinfo("muhash")["muhash"]
    serialized = node.gettxoutsetinfo()["hash_serialized_3"]
    node.invalidateblock(best)
    shorter = node.gettxoutsetinfo("muhash")
    assert shorter["height"] == HEIGHT - 1 and shorter["muhash"] != before
    node.reconsiderblock(best)
    assert node.gettxoutsetinfo("muhash")["muhash"] == before
    assert node.gettxoutsetinfo()["hash_serialized_3"] == serialized


def test_getblockheader(node, best):
    expect_error(-8, "hash must be of length 64 (not 8, for 'nonsense')",
                 node.getblockheader, "nonsense")
    expect_error(-8, "hash must be hexadecimal string", node.getblockheader, "z" * 64)
    expect_error(-5, "Block not found", node.getblockheader, UNKNOWN)
    second = node.getblockhash(HEIGHT - 1)
    header = node.getblockheader(best)
    assert header["hash"] == best and header["height"] == HEIGHT
    assert header["confirmations"] == 1
    assert header["previousblockhash"] == second
    assert "nextblockhash" not in header
    assert node.getblockheader(second)["nextblockhash"] == best
    assert header["nTx"] == 1 and header["bits"] == "207fffff"
    assert header["version"] == int(header["versionHex"], 16)
    assert {"chainwork", "difficulty", "mediantime", "merkleroot", "nonce",
            "time"} <= set(header)
    raw = node.getblockheader(best, False)
    block = Block.from_hex(node.getblock(best, 0))
    assert raw == block.serialize_header().hex()
    assert block.hash == best
    assert header["merkleroot"] == block.calc_merkle()[::-1].hex()
    genesis = node.getblockheader(node.getblockhash(0))
    assert "previousblockhash" not in genesis
    assert genesis["mediantime"] == genesis["time"]


def test_getdifficulty(node):
    assert abs(node.getdifficulty() * 2 ** 31 - 1) < Decimal("0.0001")


def test_getnetworkhashps(node):
    rate = node.getnetworkhashps()
    assert abs(rate * 300 - 1) < Decimal("0.0001")
    assert node.getnetworkhashps(nblocks=HEIGHT) > 0
    expect_error(-3, "is not of expected type number", node.getnetworkhashps, "a")
    expect_error(-8, "Block does not exist at specified height", node.getnetworkhashps,
                 100, HEIGHT + 1)
    expect_error(-8, "Block does not exist at specified height", node.getnetworkhashps,
                 100, -10)
    for bad in (0, -100):
        expect_error(-8, "Invalid nblocks. Must be a positive number or -1.",
                     node.getnetworkhashps, bad)
    assert node.getnetworkhashps(height=0) == 0
    assert abs(node.getnetworkhashps(-1) * 300 - 1) < Decimal("0.02")


def test_getblockhash(node):
    assert node.getblockhash(0) == Block.from_bytes(node.params.genesis).hash
    for bad in (-1, HEIGHT + 1):
        expect_error(-8, "Block height out of range", node.getblockhash, bad)
    expect_error(-3, "is not of expected type number", node.getblockhash, "1")
    expect_error(-1, "getblockhash height", node.getblockhash)


def test_getblock(node, best):
    raw = node.getblock(best, 0)
    assert raw == node.getblock(best, False)
    block = Block.from_hex(raw)
    one = node.getblock(best)
    assert one == node.getblock(best, 1) == node.getblock(best, True)
    assert one["tx"] == [t.txid for t in block.txs]
    assert one["size"] == len(raw) // 2 and one["weight"] == block.weight
    assert one["strippedsize"] == len(block.serialize(witness=False))
    two = node.getblock(best, 2)["tx"][0]
    assert two["txid"] == block.txs[0].txid and two["hash"] == block.txs[0].wtxid
    assert two["hex"] == block.txs[0].hex() and "fee" not in two
    assert two["vin"][0]["coinbase"] == block.txs[0].vin[0].script_sig.hex()
    expect_error(-8, "blockhash must be of length 64 (not 3, for 'abc')", node.getblock,
                 "abc")
    expect_error(-5, "Block not found", node.getblock, UNKNOWN)
    expect_error(-3, "is not of expected type", node.getblock, best, "2")


def test_getblock_shows_fees_and_spent_outputs(node):
    wallet = MiniWallet(node)
    wallet.rescan()
    utxo = wallet.get_utxo()
    tx = wallet.create(utxos=[utxo], fee=54321)
    wallet.broadcast(tx)
    (block_hash,) = wallet.generate(1)
    fee = node.params.amount(54321)
    two = node.getblock(block_hash, 2)["tx"][1]
    three = node.getblock(block_hash, 3)["tx"][1]
    assert two["fee"] == three["fee"] == fee
    assert "prevout" not in two["vin"][0]
    prevout = three["vin"][0]["prevout"]
    assert prevout["generated"] is True and prevout["height"] == utxo.height
    assert prevout["value"] == node.params.amount(utxo.value)
    assert prevout["scriptPubKey"]["hex"] == wallet.script_pubkey.hex()
    assert prevout["scriptPubKey"]["type"] == "witness_v1_taproot"
    stats = node.getblockstats(block_hash, ["totalfee", "txs", "ins"])
    assert stats == {"totalfee": 54321, "txs": 2, "ins": 1}
    node.invalidateblock(block_hash)
    node.generateblock(wallet.address, [])   # the transaction stays in the mempool
    node.prioritisetransaction(tx.txid, 0, -100000)


def test_gettxout(node):
    height = node.getblockcount()
    block = Block.from_hex(node.getblock(node.getblockhash(height), 0))
    coinbase = block.txs[0]
    out = node.gettxout(coinbase.txid, 0)
    assert out["bestblock"] == node.getbestblockhash()
    assert out["confirmations"] == 1 and out["coinbase"] is True
    assert out["value"] == node.params.amount(coinbase.vout[0].value)
    assert out["scriptPubKey"]["hex"] == coinbase.vout[0].script_pubkey.hex()
    assert node.gettxout(coinbase.txid, 99) is None
    assert node.gettxout(UNKNOWN, 0) is None
    expect_error(-8, "txid must be of length 64", node.gettxout, "00", 0)


def test_gettxout_sees_the_mempool(node):
    wallet = MiniWallet(node)
    wallet.rescan()
    utxo = wallet.get_utxo(confirmed_only=True)
    tx = wallet.create(utxos=[utxo])
    node.sendrawtransaction(tx.hex())
    assert node.gettxout(utxo.txid, utxo.vout) is None
    assert node.gettxout(utxo.txid, utxo.vout, False) is not None
    assert node.gettxout(tx.txid, 0)["confirmations"] == 0
    assert node.gettxout(tx.txid, 0, False) is None


def test_getblockstats_errors(node):
    tip = node.getblockcount()
    expect_error(-8, f"Target block height {tip + 1} after current tip {tip}",
                 node.getblockstats, tip + 1)
    expect_error(-8, "Target block height -1 is negative", node.getblockstats, -1)
    expect_error(-8, "Invalid selected statistic 'asdfghjkl'", node.getblockstats, 1,
                 ["minfee", "asdfghjkl"])
    expect_error(-8, "hash_or_height must be of length 64 (not 3, for 'abc')",
                 node.getblockstats, "abc")
    expect_error(-5, "Block not found", node.getblockstats, UNKNOWN)
    expect_error(-1, "getblockstats hash_or_height", node.getblockstats)
    expect_error(-3, "JSON value of type bool is not of expected type string",
                 node.getblockstats, 1, [True])
    expect_error(-3, "JSON value of type null is not of expected type string",
                 node.getblockstats, stats=["txs"])


def test_getblockstats_of_a_coinbase_only_block(node):
    stats = node.getblockstats(1)
    assert stats["height"] == 1 and stats["blockhash"] == node.getblockhash(1)
    assert stats["txs"] == 1 and stats["totalfee"] == 0 and stats["ins"] == 0
    assert stats["subsidy"] == node.params.block_subsidy(1)
    assert stats["feerate_percentiles"] == [0] * 5
    assert stats["avgfeerate"] == stats["minfee"] == stats["maxtxsize"] == 0
    assert stats["utxo_increase"] == stats["outs"]
    assert stats == node.getblockstats(node.getblockhash(1))


def test_getchaintips(node, best):
    """A branch that is only valid headers, one that is fully known, and the tip."""
    chain = Chain.of(node)
    side = chain.fork(chain.height - 3)
    headers = side.mine(count=2, extra=b"\x02")
    node.submitheader(headers[0].serialize_header().hex())
    node.submitheader(headers[1].serialize_header().hex())
    tips = {t["hash"]: t for t in node.getchaintips()}
    tip = tips[headers[1].hash]
    assert tip == {"height": chain.height - 1, "hash": headers[1].hash,
                   "branchlen": 2, "status": "headers-only"}
    for block in headers:
        assert node.submitblock(block.hex()) in ("inconclusive", None)
    tips = {t["hash"]: t for t in node.getchaintips()}
    assert tips[headers[1].hash]["status"] == "valid-headers"
    assert tips[node.getbestblockhash()]["status"] == "active"
    assert tips[node.getbestblockhash()]["branchlen"] == 0


def test_invalid_and_active_branches_change_places(node):
    chain = Chain.of(node)
    side = chain.fork(chain.height - 1)
    longer = side.mine(count=2, extra=b"\x03")
    old = node.getbestblockhash()
    for block in longer:
        node.submitblock(block.hex())
    assert node.getbestblockhash() == longer[1].hash
    tips = {t["hash"]: t["status"] for t in node.getchaintips()}
    assert tips[old] == "valid-fork"
    node.invalidateblock(longer[0].hash)
    assert node.getbestblockhash() == old
    tips = {t["hash"]: t["status"] for t in node.getchaintips()}
    assert tips[longer[1].hash] == "invalid"
    node.reconsiderblock(longer[1].hash)
    assert node.getbestblockhash() == longer[1].hash


def test_invalidateblock_errors_and_reconsider(node):
    expect_error(-5, "Block not found", node.invalidateblock, UNKNOWN)
    expect_error(-5, "Block not found", node.reconsiderblock, UNKNOWN)
    expect_error(-8, "blockhash must be of length 64 (not 2, for '00')",
                 node.invalidateblock, "00")
    height = node.getblockcount()
    tip = node.getbestblockhash()
    base = node.getblockhash(height - 5)
    node.invalidateblock(node.getblockhash(height - 4))
    assert node.getbestblockhash() == base
    node.reconsiderblock(tip)     # a descendant clears its ancestors, too
    assert node.getbestblockhash() == tip
    node.invalidateblock(node.getblockhash(height - 4))
    node.reconsiderblock(node.getblockhash(height - 5))
    assert node.getbestblockhash() == tip


def test_preciousblock_prefers_one_of_equal_work(node):
    chain = Chain.of(node)
    tip = chain.tip.hash
    (rival,) = chain.fork(chain.height - 1).mine(extra=b"\x04")
    assert node.submitblock(rival.hex()) == "inconclusive"
    assert node.getbestblockhash() == tip
    node.preciousblock(rival.hash)
    assert node.getbestblockhash() == rival.hash
    node.preciousblock(tip)
    assert node.getbestblockhash() == tip
    node.preciousblock(node.getblockhash(3))   # less work: no effect
    assert node.getbestblockhash() == tip
    expect_error(-5, "Block not found", node.preciousblock, UNKNOWN)


def test_verifychain(node):
    assert node.verifychain(4, 6) is True
    assert node.verifychain() is True
    for level in range(5):
        assert node.verifychain(level, 3) is True


def test_wait_for_blocks(node):
    tip, height = node.getbestblockhash(), node.getblockcount()
    same = {"hash": tip, "height": height}
    assert node.waitforblock(tip) == same
    assert node.waitforblockheight(height - 1) == same
    assert node.waitforblock(UNKNOWN, 5) == same
    assert node.waitforblockheight(height + 10, 5) == same
    assert node.waitfornewblock(5) == same
    for method, args in ((node.waitfornewblock, ()), (node.waitforblock, (UNKNOWN,)),
                         (node.waitforblockheight, (height + 1,))):
        expect_error(-1, "Negative timeout", method, *args, -1)
    results = []
    waiters = [threading.Thread(target=lambda: results.append(node.waitfornewblock())),
               threading.Thread(target=lambda: results.append(
                   node.waitforblockheight(height + 1)))]
    for t in waiters:
        t.start()
    wait_until(lambda: len(node.getrpcinfo()["active_commands"]) == 3)
    wallet = MiniWallet(node)
    (new,) = wallet.generate(1, sync=False)
    for t in waiters:
        t.join(30)
    assert results == [{"hash": new, "height": height + 1}] * 2


def test_txoutproof(node):
    txids = node.getblock(node.getblockhash(1))["tx"]
    proof = node.gettxoutproof(txids, node.getblockhash(1))
    assert node.verifytxoutproof(proof) == txids
    assert node.gettxoutproof(txids) == proof   # the coin is unspent: found by itself
    expect_error(-5, "Not all transactions found in specified or retrieved block",
                 node.gettxoutproof, [UNKNOWN], node.getblockhash(1))
    expect_error(-5, "Transaction not yet in block", node.gettxoutproof, [UNKNOWN])
    expect_error(-8, "Parameter 'txids' cannot be empty", node.gettxoutproof, [])
    expect_error(-8, "Invalid parameter, duplicated txid", node.gettxoutproof,
                 txids * 2, node.getblockhash(1))
    expect_error(-8, "txid must be of length 64 (not 2, for '00')", node.gettxoutproof,
                 ["00"], node.getblockhash(1))
    expect_error(-5, "Block not found", node.gettxoutproof, txids, UNKNOWN)
    broken = proof[:-2] + "00"
    assert node.verifytxoutproof(broken) == [] or broken == proof


def test_getblockstats_vectors(lab, bitcoin):
    """bitcoind's own blocks and the statistics it gives for them."""
    vectors = load("rpc_getblockstats.json")
    node = lab.node(f"-mocktime={vectors['mocktime']}", params=bitcoin)
    for raw in vectors["blocks"][1:]:
        assert node.submitblock(raw) is None
    for expected in vectors["stats"]:
        assert node.getblockstats(expected["height"]) == expected
        assert node.getblockstats(expected["blockhash"]) == expected
        for name in ("avgfee", "total_size", "utxo_increase"):
            assert node.getblockstats(expected["height"], [name]) == {
                name: expected[name]}
