"""Who is paid and how much: the coinbase rule, templates, the queue, committees, what was
created in all; and the RPC that tells of it."""
import struct

import pytest

from framework import fixtures
from framework import operators as op
from framework import supernodes, ticket
from framework.params import OCHRE
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.util import wait_until
from framework.verdict import Judge

N = 13


node = fixtures.node("-coinstatsindex")
wallet = fixtures.mini_wallet(125)


@pytest.fixture(scope="module")
def ops(node, wallet):
    genesis = bytes.fromhex(node.getblockhash(0))[::-1]
    return [op.Operator(genesis, f"paid{i}") for i in range(N)]


@pytest.fixture(scope="module")
def judge(module_lab, node, wallet, ops):
    """Registered in one block, active from the next on; nobody was paid yet."""
    op.split(wallet, 2 * N + 8)
    op.fund_collaterals(wallet, ops)
    op.register_ids(wallet, ops)
    wallet.generate(1)
    judge = Judge(node, module_lab.node())
    txs = []
    for o in ops:
        tx = op.carry(wallet, o.register_ticket)
        o.sn = tx.txid_bytes
        txs.append(tx)
    judge.mine(txs)
    return judge


def share_at(height):
    return OCHRE.block_subsidy(height) // 5


def coinbase_with(judge, outputs, value=None):
    """A coinbase that pays a miner and these."""
    coinbase = judge.chain.next(value=value).txs[0]
    commitment = [o for o in coinbase.vout if o.script_pubkey[:2] == b"\x6a\x24"]
    coinbase.vout = [coinbase.vout[0], *outputs]
    assert len(commitment) == 1
    return coinbase


def test_first_payment(judge, node, ops):
    """Not in the block of the registration plus one: activation counts from there."""
    height = judge.chain.height + 1
    # after this block they are too young: nobody is due, and the share is not created
    assert supernodes.payee(judge.state, judge.chain.height) is None
    assert node.supernode("payee") is None
    assert {s["status"] for s in node.supernode("list")} == {"PRE_ENABLED"}
    least = OCHRE.max_coinbase(height)
    judge.refused_in_block([], "bad-cb-amount", coinbase=coinbase_with(judge, [], least + 1))
    template = node.getblocktemplate({"rules": ["segwit"]})
    assert template["coinbasevalue"] == least
    assert template["supernode"] == template["masternode"] == []
    judge.mine([])
    due = supernodes.payee(judge.state, judge.chain.height)
    assert due[0] == min(o.sn for o in ops), "all as old: the lowest name"
    told = node.supernode("payee")
    assert told["sn"] == due[0][::-1].hex() and told["height"] == height + 1
    assert {s["status"] for s in node.supernode("list")} == {"ENABLED"}


def test_coinbase_rule(judge, node):
    height = judge.chain.height + 1
    share, due = share_at(height), supernodes.payee(judge.state, judge.chain.height)
    script, full = due[1].payout_script, OCHRE.block_subsidy(height)
    other = next(r.payout_script for sn, r in supernodes.all_of(judge.state)
                 if r.payout_script != script)

    def refused(outputs, value=1000):
        judge.refused_in_block([], "bad-sn-payee",
                               coinbase=coinbase_with(judge, outputs, value))

    refused([])
    refused([TxOut(share - 1, script)])
    refused([TxOut(share, other)])
    refused([TxOut(share, script + b"\x51")])
    refused([TxOut(share // 2, script), TxOut(share - share // 2 - 1, script)])
    # the miner cannot take the share on top
    too_much = coinbase_with(judge, [TxOut(share, script)], full - share + 1)
    judge.refused_in_block([], "bad-cb-amount", coinbase=too_much)
    # several outputs count together, and more is fine
    halves = [TxOut(share // 2, script), TxOut(share - share // 2, script)]
    judge.mine([], coinbase=coinbase_with(judge, halves, full - share))
    due = supernodes.payee(judge.state, judge.chain.height)
    more = [TxOut(share + 7, due[1].payout_script)]
    judge.mine([], coinbase=coinbase_with(judge, more, 5))


def test_proposal_and_template(judge, node, wallet):
    """Templates say whom to pay, as pools know it; their blocks, and only theirs, pass."""
    template = node.getblocktemplate({"rules": ["segwit"]})
    height, share = template["height"], share_at(template["height"])
    due = supernodes.payee(judge.state, judge.chain.height)
    script = due[1].payout_script.hex()
    address = node.decodescript(script)["address"]
    assert template["supernode"] == [{"payee": address, "script": script, "amount": share}]
    assert template["masternode"] == template["supernode"]
    assert template["masternode_payments_enforced"] is True
    assert template["coinbasevalue"] == OCHRE.block_subsidy(height)
    needed = {o["reason"]: o for o in template["coinbase_required_outputs"]}
    assert needed["supernode-payment"]["amount"] == share
    block = judge.chain.next(solve=False)
    proposal = {"mode": "proposal", "data": block.hex(), "rules": ["segwit"]}
    assert node.getblocktemplate(proposal) is None
    bad = judge.chain.next(coinbase=coinbase_with(judge, [], 5), solve=False)
    assert node.getblocktemplate({**proposal, "data": bad.hex()}) == "bad-sn-payee"
    paid = node.getblock(wallet.generate(1)[0], 2)["tx"][0]["vout"]
    assert [v for v in paid if v["scriptPubKey"]["hex"] == script][0]["value"] == \
        OCHRE.amount(share)


def test_queue(judge, node, wallet):
    """Everybody once, in the order of the last payment; the forecast says so before."""
    judge.sync()
    tip = judge.chain.height
    told = [node.supernode("payee", tip + i + 1)["sn"] for i in range(2 * N)]
    assert told[:N] == told[N:] and len(set(told)) == N
    wallet.generate(N)
    judge.sync()
    assert [node.supernode("payee", tip + i + 1)["sn"] for i in range(N)] == told[:N]
    for i, sn in enumerate(told[:N]):
        assert node.supernode("get", sn)["last_paid"] == tip + 1 + i
    expect_error(-8, "height", node.supernode, "payee", tip + 5000)
    expect_error(-8, "height", node.supernode, "payee", -1)


def test_payee_leaves_in_its_block(judge, wallet, ops):
    """Paid all the same; there is nobody whose last payment could be noted."""
    judge.sync()
    due = supernodes.payee(judge.state, judge.chain.height)
    o = next(o for o in ops if o.sn == due[0])
    block = judge.mine([op.carry(wallet, o.revoke_ticket)])
    assert due[1].payout_script in [v.script_pubkey for v in block.txs[0].vout]
    assert supernodes.get(judge.state, o.sn) is None
    ops.remove(o)


def test_payout_changes_in_its_block(judge, wallet, ops):
    """The state after the block before decides who is paid where."""
    due = supernodes.payee(judge.state, judge.chain.height)
    o = next(o for o in ops if o.sn == due[0])
    new = ops[0].payout if ops[0] is not o else ops[1].payout
    update = op.carry(wallet, lambda p: o.update_ticket(p, ("operator", "collateral"),
                                                        payout_script=new))
    share = share_at(judge.chain.height + 1)
    wrong = coinbase_with(judge, [TxOut(share, new)], 5)
    judge.refused_in_block([update], "bad-sn-payee", coinbase=wrong)
    judge.mine([update])
    assert supernodes.get(judge.state, o.sn).last_paid == judge.chain.height


def test_committees(judge, node, wallet):
    """The ten with the lowest lots; kept a thousand blocks."""
    chain = judge.sync()
    for height in range(chain.height - 8, chain.height + 1):
        top = node.supernode("top", height)
        want = supernodes.committee(chain.states[height], chain.blocks[height].hash_bytes,
                                    height)
        assert [m["sn"] for m in top["committee"]] == [sn[::-1].hex() for sn, _ in want]
        assert [m["rank"] for m in top["committee"]] == list(range(10))
        assert top["blockhash"] == chain.blocks[height].hash
    assert node.supernode("top") == node.supernode("top", chain.height)
    assert node.supernode("top", 1)["committee"] == []
    expect_error(-8, "Committees", node.supernode, "top", chain.height + 1)
    old = chain.height
    wallet.generate(1000 - judge.chain.height)
    assert node.supernode("top", 1)["committee"] == []
    wallet.generate(1)
    expect_error(-8, "Committees", node.supernode, "top", 1)
    assert len(node.supernode("top", old)["committee"]) == 10
    judge.sync()


def check_coin_statistics(node, supply):
    """The index of the UTXO set tells the same: only tickets burned here, and what coinbases left
    is the withheld shares and what blocks made by hand did not claim."""
    wait_until(lambda: node.getindexinfo("coinstatsindex")["coinstatsindex"]["synced"])
    infos = [node.gettxoutsetinfo("none", h) for h in range(node.getblockcount() + 1)]
    lost = [i["block_info"]["unspendables"] for i in infos]
    assert sum(i["scripts"] for i in lost) == supply["burned"]
    subsidies = sum(OCHRE.block_subsidy(h) for h in range(1, len(infos)))
    withheld = OCHRE.amount(subsidies) - supply["created"]
    left = sum(i["unclaimed_rewards"] for i in lost) - withheld
    assert left >= 0
    assert supply["circulating"] == infos[-1]["total_amount"] + left


def test_supply(judge, node):
    """Shares are created in exactly the blocks that had somebody to pay."""
    created = 0
    for h in range(1, judge.chain.height + 1):
        paid = supernodes.payee(judge.chain.states[h - 1], h - 1) is not None
        created += OCHRE.block_subsidy(h) - (0 if paid else share_at(h))
    for options in (None, (), ("-reindex-chainstate",)):
        if options is not None:
            node.restart(*options)
            wait_until(lambda: node.getbestblockhash() == judge.chain.tip.hash)
        info = node.getsupplyinfo()
        assert OCHRE.units(info["created"]) == created
        assert OCHRE.units(info["burned"]) == N * op.ID_BURN
        assert info["circulating"] == info["created"] - info["burned"]
        check_coin_statistics(node, info)
    cut = judge.chain.height - 9
    node.invalidateblock(node.getblockhash(cut))
    low = sum(OCHRE.block_subsidy(h) - (0 if supernodes.payee(judge.chain.states[h - 1], h - 1)
                                        else share_at(h)) for h in range(1, cut))
    assert OCHRE.units(node.getsupplyinfo()["created"]) == low
    node.reconsiderblock(judge.chain.blocks[cut].hash)
    assert OCHRE.units(node.getsupplyinfo()["created"]) == created


def test_supply_from_an_index_built_anew(judge, node):
    """Old blocks have no state any more; the undo data tell whether the share was taken."""
    import shutil
    before = node.getsupplyinfo()
    node.stop()
    shutil.rmtree(node.path("indexes", "tickets"))
    node.start()
    assert node.getsupplyinfo() == before


# --- RPC --------------------------------------------------------------------------------------

def test_list_and_get(judge, node, ops):
    entries = {s["sn"]: s for s in node.supernode("list")}
    assert len(entries) == len(ops) == N - 1
    o = ops[3]
    entry = entries[o.sn[::-1].hex()]
    record = supernodes.get(judge.state, o.sn)
    assert entry["pastelid"] == ticket.pastelid_text(o.pastelid)
    assert entry["operator_key"] == o.opkey.xonly.hex()
    assert entry["collateral"] == {"txid": o.collateral[:32][::-1].hex(),
                                   "vout": struct.unpack("<I", o.collateral[32:])[0]}
    assert entry["last_paid"] == record.last_paid and entry["registered"] == record.registered
    assert entry["penalty"] == 0 and entry["banned"] is False
    assert entry["endpoint"].endswith(":9933") and entry["endpoint"].startswith("10.")
    assert OCHRE.units(entry["storage_fee"]) == 1000
    for name in (entry["sn"], entry["pastelid"], entry["operator_key"], entry["endpoint"]):
        assert node.supernode("get", name) == entry
        assert node.supernode("list", name) == [entry]
        assert node.masternode("get", name) == entry
    assert entry in node.supernode("list", entry["payout_address"])
    assert node.supernode("list", "banned") == []
    assert len(node.supernode("list", "enabled")) == N - 1
    assert node.supernode("count") == {"total": N - 1, "enabled": N - 1, "pre_enabled": 0,
                                       "banned": 0}
    expect_error(-5, "supernode list", node.supernode, "get", "nothing")
    expect_error(-8, "Unknown command", node.supernode, "frobnicate")


def test_operator_keys(judge, node, module_lab):
    """genkey keeps a key under a name; -supernode is that one."""
    free = node.supernode("genkey")
    assert set(free) == {"operator_key", "private_key"}
    name = node.pastelid("newkey", "pass")["pastelid"]
    kept = node.supernode("genkey", "alpha", name, free["private_key"])
    assert kept == {"name": "alpha", "operator_key": free["operator_key"]}
    expect_error(-36, "already", node.supernode, "genkey", "alpha", name)
    for bad in ("", "../x", "a b", "x" * 65):
        expect_error(-8, "letters", node.supernode, "genkey", bad, name)
    expect_error(-5, "PastelID", node.supernode, "genkey", "beta", "nonsense")
    expect_error(-5, "private key", node.supernode, "genkey", "beta", name, "nonsense")
    expect_error(-1, "-supernode", node.supernode, "status")
    node.restart("-supernode=alpha")
    assert node.supernode("status") == {
        "name": "alpha", "operator_key": free["operator_key"], "pastelid": name,
        "status": "NOT_REGISTERED"}
    assert free["private_key"] not in node.log()
    node.stop()
    assert "supernode genkey" in node.fails_to_start("-supernode=beta")
    path = node.path("supernodes", "alpha")
    with open(path, "r+b") as f:
        f.seek(10)
        f.write(b"spoiled")
    assert "backup" in node.fails_to_start("-supernode=alpha")
    node.start()


def test_networks_without_supernodes(lab):
    from framework.params import BITCOIN
    node = lab.node(params=BITCOIN)
    expect_error(-1, "no supernodes", node.supernode, "list")
    assert "supernode" not in node.getblocktemplate({"rules": ["segwit"]})
    node.stop()
    node.fails_to_start("-supernode=alpha")
