"""Block templates, proposals, long polls, submission, and mining from a template alone."""
import threading

import pytest

from framework import fixtures
from framework.blocks import (Chain, STATE_MAGIC, coinbase_script_sig, create_block,
                              resolve)
from framework.hashes import hash256, merkle_root
from framework.params import OCHRE
from framework.primitives import Block, OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.util import LONG, wait_until
from framework.wallet import MiniWallet

RULES = {"rules": ["segwit"]}
T0 = 1795150000


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params, start=False)
    node.start()
    node.set_time(T0)
    return node


wallet = fixtures.mini_wallet(115)


def template(node, **kwargs):
    return node.getblocktemplate({**RULES, **kwargs})


def fresh_template(node):
    """Templates are kept for five seconds unless the tip changes."""
    node.advance(6)
    return template(node)


def proposal(node, block):
    raw = block if isinstance(block, str) else block.hex()
    return node.getblocktemplate({"data": raw, "mode": "proposal", **RULES})


def test_getmininginfo(node, wallet):
    info = node.getmininginfo()
    assert info["blocks"] == node.getblockcount() and info["chain"] == "regtest"
    assert info["pooledtx"] == 0 and info["networkhashps"] > 0
    assert abs(float(info["difficulty"]) - 4.656542373906925e-10) < 1e-24
    assert info["warnings"] == []
    assert "currentblocktx" not in info or info["currentblocktx"] >= 0


def test_template_fields(node, wallet):
    tmpl = template(node)
    height = node.getblockcount() + 1
    assert tmpl["height"] == height
    assert tmpl["previousblockhash"] == node.getbestblockhash()
    assert tmpl["bits"] == "207fffff"
    assert tmpl["target"] == "7fffff" + "0" * 58
    assert tmpl["coinbasevalue"] == node.params.max_coinbase(height)
    assert tmpl["transactions"] == [] and tmpl["coinbaseaux"] == {}
    assert tmpl["mintime"] == node.getblockheader(node.getbestblockhash())["mediantime"] + 1
    assert tmpl["curtime"] >= tmpl["mintime"]
    assert tmpl["noncerange"] == "00000000ffffffff"
    assert tmpl["sigoplimit"] == 80_000 and tmpl["sizelimit"] == 4_000_000
    assert tmpl["weightlimit"] == 4_000_000
    assert set(tmpl["mutable"]) == {"time", "transactions", "prevblock"}
    assert "proposal" in tmpl["capabilities"]
    assert "!segwit" in tmpl["rules"] and tmpl["vbrequired"] == 0
    assert tmpl["version"] & 0xe0000000 == 0x20000000
    assert tmpl["longpollid"].startswith(node.getbestblockhash())
    assert tmpl["default_witness_commitment"].startswith("6a24aa21a9ed")


def test_template_needs_the_segwit_rule(node, wallet):
    text = ("getblocktemplate must be called with the segwit rule set (call with "
            '{"rules": ["segwit"]})')
    expect_error(-8, text, node.getblocktemplate, {})
    expect_error(-8, text, node.getblocktemplate, {"rules": ["foo"]})


def test_template_errors(node, wallet):
    expect_error(-8, "Invalid mode", node.getblocktemplate, {"mode": "foo", **RULES})
    expect_error(-3, "Missing data String key for proposal", node.getblocktemplate,
                 {"mode": "proposal", **RULES})
    expect_error(-22, "Block decode failed", node.getblocktemplate,
                 {"mode": "proposal", "data": "00", **RULES})


def test_template_holds_transactions_in_order(node, wallet):
    parent = wallet.send(confirmed_only=True, fee=500)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=20_000)
    node.sendrawtransaction(child.hex())
    rich = wallet.send(confirmed_only=True, fee=5_000)
    tmpl = fresh_template(node)
    by_id = {t["txid"]: t for t in tmpl["transactions"]}
    order = [t["txid"] for t in tmpl["transactions"]]
    # the child lifts its parent over the third one
    assert order == [parent.txid, child.txid, rich.txid]
    entry = by_id[child.txid]
    assert entry["data"] == child.hex() and entry["hash"] == child.wtxid
    assert entry["fee"] == 20_000 and entry["depends"] == [1]
    assert entry["weight"] == child.weight and entry["sigops"] == 0
    assert by_id[parent.txid]["depends"] == []
    assert tmpl["coinbasevalue"] == node.params.max_coinbase(tmpl["height"], 25_500)
    wallet.generate(1, sync=False)
    wallet.rescan()


def test_prioritised_transactions_come_first(node, wallet):
    low = wallet.send(confirmed_only=True, fee=300)
    high = wallet.send(confirmed_only=True, fee=3_000)
    node.prioritisetransaction(low.txid, 0, 100_000)
    order = [t["txid"] for t in fresh_template(node)["transactions"]]
    assert order == [low.txid, high.txid]
    assert template(node)["transactions"][0]["fee"] == 300
    wallet.generate(1, sync=False)
    wallet.rescan()


def block_from_template(tmpl, script_pubkey=b"\x51"):
    """Builds a block from nothing but the fields of a template."""
    coinbase = Tx([TxIn(OutPoint(), coinbase_script_sig(tmpl["height"], b"\x00"))],
                  [TxOut(tmpl["coinbasevalue"], script_pubkey)])
    for out in tmpl.get("coinbase_required_outputs", []):
        coinbase.vout.append(TxOut(out["amount"] if isinstance(out["amount"], int)
                                   else OCHRE.units(out["amount"]),
                                   bytes.fromhex(out["script"])))
        coinbase.vout[0].value -= coinbase.vout[-1].value
    txs = [Tx.from_hex(t["data"]) for t in tmpl["transactions"]]
    for tx, entry in zip(txs, tmpl["transactions"]):
        assert (tx.txid, tx.wtxid) == (entry["txid"], entry["hash"])
    root = merkle_root([bytes(32)] + [t.wtxid_bytes for t in txs])
    commitment = "6a24aa21a9ed" + hash256(root + bytes(32)).hex()
    assert commitment == tmpl["default_witness_commitment"]
    coinbase.vout.append(TxOut(0, bytes.fromhex(commitment)))
    coinbase.vin[0].witness = [bytes(32)]
    block = Block(tmpl["version"], tmpl["previousblockhash"], time=tmpl["curtime"],
                  bits=int(tmpl["bits"], 16), txs=[coinbase, *txs])
    return resolve(block)


def test_mining_from_the_template_alone(node, wallet):
    tx = wallet.send(confirmed_only=True)
    tmpl = fresh_template(node)
    if node.params is OCHRE:
        (required,) = tmpl["coinbase_required_outputs"]
        assert required["reason"] == "state-root"
        assert required["script"] == (STATE_MAGIC + bytes.fromhex(tmpl["state_root"])).hex()
        assert bytes.fromhex(tmpl["state_root"]) == Chain.of(node).root
    else:
        assert "coinbase_required_outputs" not in tmpl and "state_root" not in tmpl
    block = block_from_template(tmpl)
    assert proposal(node, block) is None
    assert node.submitblock(block.hex()) is None
    assert node.getbestblockhash() == block.hash
    assert tx.txid not in node.getrawmempool()
    wallet.rescan()


# Proposals --------------------------------------------------------------------

@pytest.fixture
def good(node, wallet):
    return Chain.of(node).next(solve=False, witness=True)


def _check(node, block, reason, submit=None, solve=True):
    """The proposal needs no proof of work; submission does."""
    if solve:
        block.merkle = block.calc_merkle()
    assert proposal(node, block) == reason
    if submit is not None:
        block.nonce = 0
        assert node.submitblock(block.solve().hex()) == submit


def test_valid_proposal_without_proof_of_work(node, good):
    while good.meets_target():
        good.nonce += 1
    assert proposal(node, good) is None
    assert node.getblockcount() + 1 == Chain.of(node).height + 1


def test_proposal_reasons(node, good):
    params = node.params

    def variant():
        return good.copy()

    block = variant()
    block.txs[0].vin[0].prevout.n = 0
    raw = block.hex()
    _check(node, block, "bad-cb-missing")
    expect_error(-22, "Block does not start with a coinbase", node.submitblock, raw)

    block = variant()
    block.merkle = bytes(32)
    _check(node, block, "bad-txnmrklroot", "bad-txnmrklroot", solve=False)

    block = variant()
    block.prev = bytes(31) + b"\x7b"
    _check(node, block, "inconclusive-not-best-prevblk", "prev-blk-not-found")

    block = variant()
    block.bits = 0x1c00ffff
    assert proposal(node, block) == "bad-diffbits"

    block = variant()
    block.time = 2 ** 32 - 1
    _check(node, block, "time-too-new", "time-too-new")
    block.time = 0
    _check(node, block, "time-too-old", "time-too-old")

    block = variant()
    block.txs.append(block.txs[0])
    _check(node, block, "bad-txns-duplicate", "bad-txns-duplicate")

    block = variant()
    block.txs[0].locktime = 2 ** 32 - 1
    block.txs[0].vin[0].sequence = 0
    _check(node, block, "bad-txns-nonfinal")

    block = variant()
    block.txs[0].vout[0].value = params.max_coinbase(node.getblockcount() + 1) + 1
    _check(node, block, "bad-cb-amount")

    expect_error(-22, "Block decode failed", proposal, node, good.hex()[:-1])
    expect_error(-22, "Block decode failed", proposal, node, good.hex()[:-2])


def test_proposal_of_known_blocks(node, good):
    assert proposal(node, Chain.of(node).tip) == "duplicate"
    good.nonce = 0
    assert node.submitblock(good.solve().hex()) is None
    assert proposal(node, good) == "duplicate"


# Submission -------------------------------------------------------------------

def test_submitheader(node, wallet):
    expect_error(-22, "Block header decode failed", node.submitheader, "xx" * 80)
    expect_error(-22, "Block header decode failed", node.submitheader, "ff" * 78)
    expect_error(-25, "Must submit previous header", node.submitheader, "ff" * 80)
    chain = Chain.of(node)
    block = chain.next()
    assert node.submitheader(block.serialize_header().hex()) is None
    tips = {t["hash"]: t["status"] for t in node.getchaintips()}
    assert tips[block.hash] == "headers-only"
    late = chain.next(solve=False)
    late.time = chain.median_time()
    late.solve()
    expect_error(-25, "time-too-old", node.submitheader, late.serialize_header().hex())
    assert node.submitblock(block.hex()) is None
    assert node.submitheader(block.serialize_header().hex()) is None    # known: fine


def test_submitheader_below_an_invalid_block(node, wallet):
    chain = Chain.of(node)
    bad = chain.next(value=node.params.max_coinbase(chain.height + 1) + 1)
    assert node.submitblock(bad.hex()) == "bad-cb-amount"
    expect_error(-25, "duplicate-invalid", node.submitheader,
                 bad.serialize_header().hex())
    child = create_block(node.params, bad.hash_bytes, chain.height + 2, bad.time + 1)
    expect_error(-25, "bad-prevblk", node.submitheader, child.serialize_header().hex())


# Generation -------------------------------------------------------------------

def test_generatetoaddress(node, wallet):
    expect_error(-5, "Error: Invalid address", node.generatetoaddress, 1, "3J98t1WpEZ7")
    hashes = node.generatetoaddress(2, wallet.address)
    assert node.getblockcount() == node.getblockheader(hashes[-1])["height"]
    out = node.getblock(hashes[0], 2)["tx"][0]["vout"][0]
    assert out["scriptPubKey"]["hex"] == wallet.script_pubkey.hex()
    assert node.generatetoaddress(0, wallet.address) == []
    wallet.rescan()


def test_generatetodescriptor(node, wallet):
    (block,) = node.generatetodescriptor(1, "raw(51)#8lvh9jxk")
    assert node.getblock(block, 2)["tx"][0]["vout"][0]["scriptPubKey"]["hex"] == "51"
    expect_error(-5, "", node.generatetodescriptor, 1, "garbage")


def test_generateblock(node, wallet):
    a = wallet.send(confirmed_only=True)
    raw = wallet.create(confirmed_only=True)
    result = node.generateblock(wallet.address, [a.txid, raw.hex()])
    block = node.getblock(result["hash"])
    assert block["tx"][1:] == [a.txid, raw.txid]
    empty = node.generateblock(wallet.address, [])
    assert len(node.getblock(empty["hash"])["tx"]) == 1
    held = node.generateblock(wallet.address, [], False)
    assert held["hash"] != node.getbestblockhash()
    assert node.submitblock(held["hex"]) is None
    combo = f"combo({'02' + '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'})"
    expect_error(-5, "", node.generateblock, "foo", [])
    expect_error(-22, "Transaction decode failed for foo", node.generateblock,
                 wallet.address, ["foo"])
    missing = "11" * 32
    expect_error(-5, f"Transaction {missing} not in mempool.", node.generateblock,
                 wallet.address, [missing])
    bad = wallet.create(utxos=[wallet.get_utxo(keep=True)], fee=-1)
    expect_error(-25, "TestBlockValidity failed: bad-txns-in-belowout",
                 node.generateblock, wallet.address, [bad.hex()])
    assert node.generateblock(combo, [])["hash"] == node.getbestblockhash()
    wallet.rescan()


# Long poll --------------------------------------------------------------------

class Poll(threading.Thread):
    def __init__(self, node):
        super().__init__(daemon=True)
        self.node = node
        self.id = template(node)["longpollid"]

    def run(self):
        self.result = template(self.node, longpollid=self.id)


def test_long_poll_ends_with_a_new_block(node, wallet):
    assert template(node)["longpollid"] == template(node)["longpollid"]
    poll = Poll(node)
    poll.start()
    poll.join(0.3)
    assert poll.is_alive()
    wallet.generate(1, sync=False)
    poll.join(30)
    assert not poll.is_alive()
    assert poll.result["previousblockhash"] == node.getbestblockhash()
    wallet.rescan()


@pytest.mark.skipif(not LONG, reason="takes a minute (OCHRE_LONG=1)")
def test_long_poll_ends_with_a_new_transaction_after_a_minute(node, wallet):
    poll = Poll(node)
    poll.start()
    wait_until(lambda: len(node.getrpcinfo()["active_commands"]) == 2)
    wallet.send(confirmed_only=True)
    node.set_time(T0 + 100_000)
    poll.join(90)
    assert not poll.is_alive()


def test_block_max_weight_and_min_fee(lab, params):
    node = lab.node("-blockmaxweight=20000", params=params)
    wallet = MiniWallet(node)
    wallet.generate(120)
    for _ in range(15):
        wallet.send(confirmed_only=True, outputs=14)
    tmpl = fresh_template(node)
    assert 0 < len(tmpl["transactions"]) < 15
    assert sum(t["weight"] for t in tmpl["transactions"]) <= 20_000 - 4_000
    rate = params.amount(10_000)
    node.restart(f"-blockmintxfee={rate}")
    assert template(node)["transactions"] == []

