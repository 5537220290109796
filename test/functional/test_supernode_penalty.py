"""Penalties by quorum: every rule and its reason, bans, their limit and their end; signatures
collected over RPC from the members' own nodes."""
import struct

import pytest

from framework import fixtures
from framework import operators as op
from framework import supernodes, ticket
from framework.key import Key
from framework.params import OCHRE
from framework.rpc import expect_error
from framework.verdict import Judge

N = 6
EVIDENCE = bytes(range(32))
LIFT = 10 * OCHRE.coin


node = fixtures.node()
wallet = fixtures.mini_wallet(120)


@pytest.fixture(scope="module")
def ops(node, wallet):
    genesis = bytes.fromhex(node.getblockhash(0))[::-1]
    ops = [op.Operator(genesis, f"judged{i}") for i in range(N)]
    op.start(wallet, ops)
    return ops


@pytest.fixture(scope="module")
def judge(module_lab, node, wallet, ops):
    wallet.generate(31)
    op.split(wallet, 100)
    return Judge(node, module_lab.node())


def in_charge(height):
    """The committee's height for a penalty in the block of this height."""
    return (height - 6) // 12 * 12


def members(judge, ops, at):
    """[(rank, operator)] of the committee stored for a height."""
    chain = judge.chain
    seats = supernodes.committee(chain.states[at], chain.blocks[at].hash_bytes, at)
    by_sn = {o.sn: o for o in ops}
    return [(rank, by_sn[sn]) for rank, (sn, _) in enumerate(seats)]


def penalty(judge, ops, target, at=None, block_hash=None, count=None, signers=None,
            genesis=None, reason=7):
    """A signed sn-penalty ticket for the next block."""
    at = in_charge(judge.chain.height + 1) if at is None else at
    seats = members(judge, ops, at)
    least = -(-4 * len(seats) // 5)
    if signers is None:
        signers = [(r, o.opkey) for r, o in seats][:least if count is None else count]
    t = ticket.Ticket("sn-penalty", {
        "sn": target.sn, "reason": reason, "evidence": EVIDENCE, "quorum": [],
        "committee": struct.pack("<I", at) + (block_hash or judge.chain.blocks[at].hash_bytes)})
    return op.sign_quorum(t, signers, genesis or target.genesis)


def send(wallet, t):
    return op.carry(wallet, lambda p: t)


def to_height(judge, wallet, height):
    if judge.chain.height < height:
        wallet.generate(height - judge.chain.height)
        judge.sync()


def test_quorum(judge, wallet, ops):
    """At least four fifths of the members, ranks rising, keys and hash their own."""
    target = ops[0]
    at = in_charge(judge.chain.height + 1)
    seats = members(judge, ops, at)
    assert len(seats) == N
    keys = [(r, o.opkey) for r, o in seats]

    def refused(reason, **kwargs):
        judge.refused(send(wallet, penalty(judge, ops, target, **kwargs)), reason)

    refused("ticket-quorum", count=0)
    refused("ticket-quorum", count=4)
    refused("ticket-quorum", signers=keys[:4] + keys[3:4])                  # repeated rank
    refused("ticket-quorum", signers=[keys[1], keys[0], *keys[2:5]])        # out of order
    refused("ticket-quorum", signers=[*keys[:4], (N, keys[5][1])])          # no such rank
    refused("ticket-signature", signers=[*keys[:4], (4, keys[5][1])])       # another's rank
    refused("ticket-signature", signers=[*keys[:4], (4, Key.from_seed("nobody"))])
    refused("ticket-signature", genesis=bytes(32))                          # another network
    refused("ticket-malformed", signers=[(r, keys[0][1]) for r in range(11)])
    t = penalty(judge, ops, target)
    for change in ({"reason": 8}, {"evidence": bytes(32)}, {"sn": ops[1].sn}):
        altered = ticket.Ticket("sn-penalty", {**t.values, **change})
        judge.refused(send(wallet, altered), "ticket-signature")


def test_committee(judge, wallet, ops):
    """The one in charge, of this chain, in the window."""
    target = ops[0]
    to_height(judge, wallet, 173)        # the next block's is 168
    at = in_charge(judge.chain.height + 1)
    assert at == 168

    def refused(reason, **kwargs):
        judge.refused(send(wallet, penalty(judge, ops, target, **kwargs)), reason)

    refused("ticket-state-penalty-committee", at=at - 12)
    refused("ticket-state-penalty-committee", at=at + 1)
    refused("ticket-committee", block_hash=bytes(32))
    refused("ticket-committee", block_hash=judge.chain.blocks[at - 1].hash_bytes)

    def with_height(height, block_hash=bytes(32)):
        t = penalty(judge, ops, target)
        t.values["committee"] = struct.pack("<I", height) + block_hash
        return op.sign_quorum(t, [(r, o.opkey) for r, o in members(judge, ops, at)][:5],
                              target.genesis)

    chain = judge.chain
    for height, known in ((0, 0), (chain.height + 1, 0), (chain.height + 2, 0),
                          (2 ** 31, 0), (2 ** 32 - 1, 0), (chain.height + 1 - 145, 1)):
        block_hash = chain.blocks[height].hash_bytes if known else bytes(32)
        judge.refused(send(wallet, with_height(height, block_hash)), "ticket-committee")
    # at 12 blocks' notice: the next one takes over six blocks later
    target = ops[1]
    judge.accepted(send(wallet, penalty(judge, ops, target)))
    assert supernodes.get(judge.state, target.sn).penalty_H == 168


def test_stale_fork(judge, wallet, ops):
    """A committee of a block that is no ancestor."""
    fork = judge.chain.fork(judge.chain.height - 8)
    fork.mine(count=8, extra=b"fork")
    at = in_charge(judge.chain.height + 1)
    assert fork.height >= at
    stale = fork.blocks[at].hash_bytes
    same = stale == judge.chain.blocks[at].hash_bytes
    if same:
        stale = fork.blocks[-1].hash_bytes
    judge.refused(send(wallet, penalty(judge, ops, ops[2], block_hash=stale)),
                  "ticket-committee")


def test_repeated_and_second(judge, node, wallet, ops):
    """Once per committee and supernode, once per block."""
    a, b = ops[2], ops[3]
    first, second = (send(wallet, penalty(judge, ops, x)) for x in (a, b))
    judge.refused_in_block([first, second], "ticket-state-penalty-second")
    # a template has one of them, and the other one waits
    for tx in (first, second):
        node.sendrawtransaction(tx.hex())
    listed = [t["txid"] for t in node.getblocktemplate({"rules": ["segwit"]})["transactions"]]
    assert len(listed) == 1
    wallet.generate(1)
    judge.sync()
    waiting = node.getrawmempool()
    assert len(waiting) == 1 and waiting != listed
    wallet.generate(1)
    judge.sync()
    assert node.getrawmempool() == []
    for o in (a, b):
        assert supernodes.get(judge.state, o.sn).penalty == 40
        judge.refused(send(wallet, penalty(judge, ops, o)), "ticket-state-penalty-repeated")
    judge.refused(send(wallet, unknown(judge, ops)), "ticket-state-sn-unknown")


def unknown(judge, ops):
    """A penalty against a supernode that there is not."""
    t = penalty(judge, ops, ops[0])
    t.values["sn"] = bytes(32)
    at = in_charge(judge.chain.height + 1)
    return op.sign_quorum(t, [(r, o.opkey) for r, o in members(judge, ops, at)][:5],
                          ops[0].genesis)


def punish(judge, wallet, ops, target):
    """The next time a committee may."""
    at = supernodes.get(judge.state, target.sn).penalty_H
    while in_charge(judge.chain.height + 1) <= at:
        to_height(judge, wallet, judge.chain.height + 1)
    judge.accepted(send(wallet, penalty(judge, ops, target)))
    return supernodes.get(judge.state, target.sn)


def test_ban_and_its_end(judge, node, wallet, ops):
    """40 points each, of which one is forgiven in twelve blocks; at 100 a ban, which is not."""
    target = ops[0]
    points = []
    while not supernodes.get(judge.state, target.sn).banned:
        points.append(punish(judge, wallet, ops, target).penalty)
    assert points[0] == 40 and points[1] in (79, 80) and len(points) == 3
    banned_at = judge.chain.height
    assert judge.state.get(b"x") == struct.pack("<I", banned_at)
    entry = node.supernode("get", target.sn[::-1].hex())
    assert entry["banned"] and entry["status"] == "BANNED" and entry["penalty"] == points[2]
    assert [s["sn"] for s in node.supernode("list", "banned")] == [entry["sn"]]
    seats = members(judge, ops, judge.chain.height)
    assert target not in [o for _, o in seats] and len(seats) == N - 1
    while in_charge(judge.chain.height + 1) <= supernodes.get(judge.state, target.sn).penalty_H:
        to_height(judge, wallet, judge.chain.height + 1)
    judge.refused(send(wallet, penalty(judge, ops, target)), "ticket-state-sn-inactive")

    # an update lifts the ban, for its price; the supernode queues up anew
    def lift(p):
        return target.update_ticket(p)
    judge.refused(op.carry(wallet, lift, burn=LIFT - 1), "ticket-burn")
    judge.accepted(op.carry(wallet, lift, burn=LIFT))
    record = supernodes.get(judge.state, target.sn)
    assert (record.banned, record.penalty, record.queued) == (0, 0, judge.chain.height)
    assert supernodes.payee(judge.state, judge.chain.height)[0] != target.sn
    # without a ban an update costs nothing, and lifts nothing
    other = ops[2]
    before = supernodes.get(judge.state, other.sn).penalty
    judge.accepted(op.carry(wallet, lambda p: other.update_ticket(p)))
    assert supernodes.get(judge.state, other.sn).penalty == before > 0


def points_left(judge, o, height):
    record = supernodes.get(judge.state, o.sn)
    return max(0, record.penalty - (height - record.penalty_height) // 12)


def test_one_ban_in_48_blocks(judge, wallet, ops):
    """A penalty that would ban too soon after the last ban is invalid."""
    a, b = ops[2], ops[3]
    last = struct.unpack("<I", judge.state.get(b"x"))[0]
    to_height(judge, wallet, last + 48)
    for o in (a, b):
        while points_left(judge, o, judge.chain.height + 1) < 60:
            punish(judge, wallet, ops, o)
    assert punish(judge, wallet, ops, a).banned
    banned_at = judge.chain.height
    left = points_left(judge, b, banned_at + 48)
    assert 60 <= left < 100, "the next penalty would ban"
    to_height(judge, wallet, banned_at + 46)         # the next block is the 47th
    judge.refused(send(wallet, penalty(judge, ops, b)), "ticket-state-penalty-ban-too-soon")
    to_height(judge, wallet, banned_at + 47)
    judge.accepted(send(wallet, penalty(judge, ops, b)))
    assert supernodes.get(judge.state, b.sn).banned
    assert judge.state.get(b"x") == struct.pack("<I", banned_at + 48)


def test_reorganisation(judge, node):
    roots = [s.root().hex() for s in judge.chain.states]
    tip = judge.chain.height
    fork = judge.chain.blocks[tip - 60].hash
    for n in judge.nodes:
        n.invalidateblock(fork)
        assert n.getstateroot() == roots[tip - 61]
        n.reconsiderblock(fork)
        assert n.getstateroot() == roots[tip]


def test_too_small_a_committee(judge, node, wallet, ops):
    """Three members at least (regtest)."""
    alive = [o for o in ops if not supernodes.get(judge.state, o.sn).banned]
    for o in alive[2:]:
        judge.accepted(op.carry(wallet, o.revoke_ticket))
    to_height(judge, wallet, judge.chain.height + 18)
    target = alive[0]
    assert len(members(judge, ops, in_charge(judge.chain.height + 1))) == 2
    judge.refused(send(wallet, penalty(judge, ops, target)), "ticket-committee")
    expect_error(-1, "too small", node.supernode, "penalty", target.sn[::-1].hex(), 1,
                 EVIDENCE.hex())
    third = next(o for o in ops if o not in alive)
    judge.accepted(op.carry(wallet, lambda p: third.update_ticket(p), burn=LIFT))
    to_height(judge, wallet, judge.chain.height + 18)
    assert len(members(judge, ops, in_charge(judge.chain.height + 1))) == 3
    judge.accepted(send(wallet, penalty(judge, ops, target)))


def test_collecting_signatures(judge, node, wallet, ops):
    """Each member's node signs with its own key and adds what it was given."""
    while in_charge(judge.chain.height + 1) < in_charge(judge.chain.height + 2) or \
            in_charge(judge.chain.height + 1) <= max(
                supernodes.get(judge.state, sn).penalty_H
                for sn, _ in supernodes.all_of(judge.state)):
        to_height(judge, wallet, judge.chain.height + 1)
    seats = members(judge, ops, in_charge(judge.chain.height + 1))
    target = seats[0][1]
    sn = target.sn[::-1].hex()
    node.stop()
    quorum = []
    for rank, o in seats:
        node.start()
        node.supernode("genkey", o.name, ticket.pastelid_text(o.pastelid), o.opkey.wif(OCHRE))
        node.restart("-supernode=" + o.name)
        assert node.supernode("status")["supernode"]["sn"] == o.sn[::-1].hex()
        signed = node.supernode("penalty", sn, 7, EVIDENCE.hex(), *([quorum] if quorum else []))
        quorum = signed["quorum"]
        assert [e["rank"] for e in quorum] == list(range(rank + 1))
        assert signed["required"] == 3 and signed["complete"] == (rank == 2)
        node.stop()
    node.start()
    expect_error(-1, "-supernode", node.supernode, "penalty", sn, 7, EVIDENCE.hex())
    assert node.supernode("penalty", sn, 7, EVIDENCE.hex(), quorum)["complete"]
    expect_error(-25, "rank 0", node.supernode, "penalty", sn, 8, EVIDENCE.hex(), quorum)
    for bad in (["x", 1, EVIDENCE.hex()], [sn, 256, EVIDENCE.hex()], [sn, "", EVIDENCE.hex()],
                [sn, 1, "00"], ["11" * 32, 1, EVIDENCE.hex()]):
        expect_error(-8, None, node.supernode, "penalty", *bad)
    t = ticket.Ticket("sn-penalty", {
        "sn": target.sn, "reason": 7, "evidence": EVIDENCE,
        "committee": struct.pack("<I", signed["committee"]["height"])
        + bytes.fromhex(signed["committee"]["blockhash"])[::-1],
        "quorum": [(e["rank"], bytes.fromhex(e["signature"])) for e in quorum]})
    judge.accepted(send(wallet, t))
