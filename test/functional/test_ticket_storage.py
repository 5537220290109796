"""storage and sense: every rule of doc/spec/tickets.md at its boundary and one unit beyond;
the same verdict by mempool, template, block and a node that sees only blocks."""
import struct

import pytest

from framework import operators
from framework import script as sc
from framework import ticket
from framework.ed448 import Key as Ed448
from framework.hashes import sha3
from framework.key import Key
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.ticket_lab import (MAX_MONEY, MEGABYTE, TicketLab, factor, least_burn,
                                  lower_median, prevout_bytes, price)
from framework.util import wait_until

KINDS = ("storage", "sense")
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def lab(module_lab):
    return TicketLab(module_lab)


def names(kind):
    return {"storage": ("file_hash", "storage_fee"), "sense": ("image_hash", "sense_fee")}[kind]


@kinds
def test_valid(lab, kind):
    """Accepted everywhere, found by everything it names, and it says what it said."""
    burned = lab.node.getburninfo()["total_burned"]
    tx = lab.accepted(lab.service_tx(kind))
    value, t = ticket.find(tx)
    shown = lab.node.tickets("get", tx.txid)["ticket"]
    assert shown["request_identifier"] == t.request.hex()
    assert shown["kademlia_index_sha3_256_hash"] == t.index_hash.hex()
    assert lab.params.units(shown["effective_total_fee_paid_by_user_in_psl"]) == t.effective_fee
    assert shown["user_signature"] == t.user_sig.hex()
    assert shown["supernode_signatures"] == [t.sig0.hex(), t.sig1.hex(), t.sig2.hex()]
    assert lab.params.units(lab.node.getburninfo()["total_burned"] - burned) == value
    keys = [t.request.hex(), ticket.pastelid_text(lab.user.public), t.index_hash.hex(),
            t.values[names(kind)[0]].hex(), lab.wallet.address]
    for key in keys:
        assert tx.txid in [f["txid"] for f in lab.node.tickets("find", kind, key)], key
    if kind == "storage":
        assert shown["file_size"] == t.file_size and shown["file_size_in_megabytes"] == 3
        assert shown["desired_rq_symbol_files_to_original_data_ratio"] == 12
        assert shown["psl_storage_fee_multiplier_factor"] == 1


# --- committee and members ---

@kinds
def test_committee_window(lab, kind):
    """An ancestor at most 144 blocks back, with at least three members (regtest)."""
    lab.accepted(lab.service_tx(kind, height=lab.node.getblockcount()))
    height, ref = lab.reference()
    members = lab.committee(height)[:3]
    sizes = {h: len(lab.committee(h)) for h in range(1, height)}
    few = max(h for h, n in sizes.items() if n < 3)
    for wrong in (struct.pack("<I", lab.node.getblockcount() + 1) + ref[4:],  # to come
                  struct.pack("<I", height - 1) + ref[4:],      # another block's hash
                  struct.pack("<I", 0xffffffff) + ref[4:], bytes(36),
                  lab.reference(few)[1]):
        lab.refused(lab.service_tx(kind, members=members, committee=wrong), "ticket-committee")


@kinds
def test_members(lab, kind):
    """Three distinct members of the committee, in the order of rank."""
    height, _ = lab.reference()
    c = lab.committee(height)
    outside = next(o for o in lab.operators if o not in c)
    lab.refused(lab.service_tx(kind, members=[c[0], c[1], outside]),
                "ticket-state-sn-not-in-committee")
    for order in ((1, 0, 2), (0, 2, 1), (0, 0, 1), (2, 2, 2)):
        lab.refused(lab.service_tx(kind, members=[c[i] for i in order]),
                    "ticket-state-sn-order")
    lab.accepted(lab.service_tx(kind, members=[c[3], c[7], c[9]], height=height))


@kinds
def test_user(lab, kind):
    stranger = Ed448.from_seed("never registered " + kind)
    lab.refused(lab.service_tx(kind, user=stranger), "ticket-state-id-unknown")
    lab.register_id(stranger)
    lab.mine()
    lab.judge.sync()
    u = lab.utxo()
    revoke = lab.carry(ticket.MAGIC + b"\x01\x06" + stranger.public, [u])
    lab.accepted(lab.service_tx(kind, user=stranger))
    lab.accepted(revoke)
    lab.refused(lab.service_tx(kind, user=stranger), "ticket-state-id-revoked")


def test_request_is_used_once(lab):
    """Of one user, by either kind; another user may have the same."""
    request = sha3(b"one request")
    lab.accepted(lab.service_tx("storage", request=request))
    for kind in KINDS:
        lab.refused(lab.service_tx(kind, request=request), "ticket-state-request-used")
    lab.accepted(lab.service_tx("sense", request=request, user=lab.users[1]))


# --- numbers ---

@pytest.mark.parametrize("field,good,bad,reason", [
    ("ratio", (1200, 64000), (1199, 64001, 0, 2 ** 32 - 1), "ticket-state-ratio"),
    ("redundancy", (1, 20), (0, 21, 65535), "ticket-state-redundancy"),
    ("file_size", (1,), (0, 2 ** 39 + 1, 2 ** 64 - 1), "ticket-state-file-size"),
])
def test_numbers(lab, field, good, bad, reason):
    for value in good:
        lab.accepted(lab.service_tx("storage", **{field: value}))
    committee = lab.committee(lab.reference()[0])
    for value in bad:
        shares = [TxOut(10_000_000, o.payout) for o in committee[:3]]
        lab.refused(lab.service_tx("storage", payments=shares, burn=10_000_000,
                                   factor=factor(), **{field: value}), reason)


def test_factor(lab):
    for wrong in (factor() - 1, factor() + 1, 0, 2 ** 64 - 1):
        committee = lab.committee(lab.reference()[0])
        shares = [TxOut(10_000_000, o.payout) for o in committee[:3]]
        lab.refused(lab.service_tx("storage", payments=shares, burn=10_000_000, factor=wrong),
                    "ticket-state-factor")
    for ratio, redundancy in ((1200, 1), (3601, 1), (64000, 20)):
        lab.accepted(lab.service_tx("storage", ratio=ratio, redundancy=redundancy))


# --- money ---

@kinds
def test_burn(lab, kind):
    _, _, least = lab.service(kind, lab.wallet.get_utxo(keep=True), sign=False)
    lab.refused(lab.service_tx(kind, burn=least - 1), "ticket-burn")
    lab.accepted(lab.service_tx(kind, burn=least))
    lab.accepted(lab.service_tx(kind, burn=least + 1))


def test_burn_follows_the_dearer_of_chosen_and_median(lab):
    """Cheap members do not make the burn cheap."""
    size = 200 * MEGABYTE
    height, _ = lab.reference()
    c = lab.committee(height)
    cheap = sorted(sorted(c, key=lambda o: o.storage_fee)[:3], key=c.index)
    shares = [price(o.storage_fee, factor(), size) for o in cheap]
    median = 3 * price(lower_median([o.storage_fee for o in c]), factor(), size)
    assert least_burn(sum(shares), median) > least_burn(sum(shares), 0) > 100_000
    lab.refused(lab.service_tx("storage", members=cheap, file_size=size, height=height,
                               burn=least_burn(sum(shares), 0)), "ticket-burn")
    lab.accepted(lab.service_tx("storage", members=cheap, file_size=size, height=height,
                                burn=least_burn(sum(shares), median)))


@kinds
def test_payment(lab, kind):
    """Each of the three gets its share, to the unit; nobody else's output helps."""
    u = lab.wallet.get_utxo(keep=True)
    c = lab.committee(lab.reference()[0])
    _, shares, _ = lab.service(kind, u, sign=False)
    pay = [TxOut(v, o.payout) for v, o in zip(shares, c)]
    for i in range(3):
        short = [TxOut(p.value - (i == k), p.script_pubkey) for k, p in enumerate(pay)]
        lab.refused(lab.service_tx(kind, payments=short), "ticket-payment")
    lab.refused(lab.service_tx(kind, payments=[]), "ticket-payment")
    mine = [TxOut(p.value, lab.wallet.script_pubkey) for p in pay]      # to oneself
    lab.refused(lab.service_tx(kind, payments=mine), "ticket-payment")
    lab.refused(lab.service_tx(kind, payments=[TxOut(sum(shares), c[0].payout)]),
                "ticket-payment")
    height = lab.reference()[0]
    halves = [TxOut(n, p.script_pubkey) for p in pay
              for n in (p.value // 2, p.value - p.value // 2)]
    lab.accepted(lab.service_tx(kind, payments=halves, height=height))
    more = [TxOut(p.value + 1, p.script_pubkey) for p in reversed(pay)]
    lab.accepted(lab.service_tx(kind, payments=more, height=height))


@kinds
def test_max_fee(lab, kind):
    _, shares, _ = lab.service(kind, lab.wallet.get_utxo(keep=True), sign=False)
    height = lab.reference()[0]
    lab.refused(lab.service_tx(kind, max_fee=sum(shares), height=height),
                "ticket-state-max-fee")
    lab.accepted(lab.service_tx(kind, max_fee=sum(shares) + 1, height=height))
    lab.refused(lab.service_tx(kind, max_fee=MAX_MONEY + 1), "ticket-fee-range")
    lab.accepted(lab.service_tx(kind, max_fee=MAX_MONEY))


@kinds
def test_effective_fee(lab, kind):
    height = lab.reference()[0]
    t, _, _ = lab.service(kind, lab.wallet.get_utxo(keep=True), sign=False)
    for wrong in (t.effective_fee - 1, t.effective_fee + 1, 0):
        lab.refused(lab.service_tx(kind, effective_fee=wrong, height=height),
                    "ticket-state-effective-fee")


# --- signatures ---

@kinds
def test_signatures(lab, kind):
    """Each is needed, and for exactly this ticket in exactly this transaction."""
    for name in ("sig0", "sig1", "sig2", "user_sig"):
        u = lab.utxo()
        c = lab.committee(lab.reference()[0])
        t, shares, burn = lab.service(kind, u)
        good = t.values[name]
        for wrong in (bytes(114), good[:-2] + bytes([good[-2] ^ 1]) + good[-1:]):
            t.values[name] = wrong
            lab.refused(lab.carry(t, [u], burn, [TxOut(v, o.payout)
                                                 for v, o in zip(shares, c)]),
                        "ticket-signature")


@kinds
def test_members_sign_for_themselves(lab, kind):
    u = lab.utxo()
    c = lab.committee(lab.reference()[0])
    pay = lambda shares: [TxOut(v, o.payout) for v, o in zip(shares, c)]
    t, shares, burn = lab.service(kind, u)
    t.values["sig0"], t.values["sig1"] = t.sig1, t.sig0
    t.values["user_sig"] = lab.user.sign(t.hash(lab.genesis, "user_sig", prevout_bytes(u)))
    lab.refused(lab.carry(t, [u], burn, pay(shares)), "ticket-signature")


@kinds
def test_altered_after_signing(lab, kind):
    """Whoever sees a pending ticket cannot change a field and send it as his own."""
    changes = {"request": sha3(b"other"), "index_hash": sha3(b"other"),
               "sending_script": sc.p2wpkh(Key.from_seed("thief").pubkey),
               "max_fee": MAX_MONEY, names(kind)[0]: sha3(b"other")}
    for name, value in changes.items():
        u = lab.utxo()
        c = lab.committee(lab.reference()[0])
        t, shares, burn = lab.service(kind, u)
        t.values[name] = value
        lab.refused(lab.carry(t, [u], burn, [TxOut(v, o.payout) for v, o in zip(shares, c)]),
                    "ticket-signature")


@kinds
def test_fee_altered_after_signing(lab, kind):
    """The carrier's value is bound by the effective fee, which all have signed."""
    u = lab.utxo()
    c = lab.committee(lab.reference()[0])
    t, shares, burn = lab.service(kind, u)
    pay = [TxOut(v, o.payout) for v, o in zip(shares, c)]
    lab.refused(lab.carry(t, [u], burn + 1, pay), "ticket-state-effective-fee")
    t.values["effective_fee"] += 1
    lab.refused(lab.carry(t, [u], burn + 1, pay), "ticket-signature")


@kinds
def test_replay(lab, kind):
    """Not in another transaction, as another kind, on another network, for another fork."""
    u, v = lab.utxo(), lab.utxo()
    c = lab.committee(lab.reference()[0])
    t, shares, burn = lab.service(kind, u)
    pay = [TxOut(x, o.payout) for x, o in zip(shares, c)]
    lab.refused(lab.carry(t, [v], burn, pay), "ticket-signature")      # a thief's coin first
    lab.refused(lab.carry(t, [v, u], burn, pay), "ticket-signature")
    genesis, lab.genesis = lab.genesis, sha3(b"another network")
    t, _, _ = lab.service(kind, u)
    lab.genesis = genesis
    lab.refused(lab.carry(t, [u], burn, pay), "ticket-signature")
    other = ticket.Ticket(t.kind, dict(t.values))
    for i, o in enumerate(c[:3]):     # signed for the other kind's role
        h = ticket.ticket_hash(lab.genesis, "ochre/id/sn", other.message(f"sig{i}", b""))
        other.values[f"sig{i}"] = o.id.sign(h)
    other.values["user_sig"] = lab.user.sign(
        other.hash(lab.genesis, "user_sig", prevout_bytes(u)))
    lab.refused(lab.carry(other, [u], burn, pay), "ticket-signature")


def test_stale_fork(lab):
    """A committee of a block that a reorganisation took away is none."""
    node = lab.node
    lab.mine(2)
    tip = node.getbestblockhash()
    height = node.getblockcount()
    tx = lab.service_tx("sense", height=height)
    assert node.testmempoolaccept([tx.hex()])[0]["allowed"]
    node.sendrawtransaction(tx.hex())
    for n in lab.judge.nodes:
        n.invalidateblock(tip)
    lab.judge.sync()
    wait_until(lambda: tx.txid not in node.getrawmempool())
    lab.judge.mine([])
    lab.judge.mine([])
    lab.refused(tx, "ticket-committee")
    lab.wallet.rescan()


# --- payloads ---

@kinds
def test_payloads(lab, kind):
    """Exactly the fields: not a byte less or more, no script or number out of form."""
    u = lab.utxo()
    t, shares, burn = lab.service(kind, u)
    pay = [TxOut(v, o.payout) for v, o in zip(shares, lab.committee(lab.reference()[0]))]
    good = t.payload()
    for bad in (good[:-1], good + b"\0", good[:6], good[:40], good + bytes(16_384 - len(good))):
        lab.refused(lab.carry(bad, [u], burn, pay), "ticket-malformed")
    for script in (b"", b"\x51", b"\x6a", bytes(42)):
        t, _, _ = lab.service(kind, u, sending_script=script, sign=False)
        lab.refused(lab.carry(t, [u], burn, pay), "ticket-malformed")
    oversized = b"OCHR\x01" + good[5:6] + bytes(16_385 - 6)
    tx = lab.carry(oversized, [u], burn, pay)     # no carrier at all: an ordinary output
    assert lab.node.testmempoolaccept([tx.hex()])[0]["reject-reason"] == "scriptpubkey"


# --- pending ---

def test_claims(lab):
    """Two pending tickets of one request conflict; the dearer replaces."""
    request = sha3(b"claimed")
    a, b = lab.utxo(), lab.utxo()
    first = lab.service_tx("storage", a, request=request)
    poor = lab.service_tx("sense", b, request=request)
    lab.node.sendrawtransaction(first.hex())
    expect_error(-26, "insufficient fee", lab.node.sendrawtransaction, poor.hex())
    t, shares, burn = lab.service("sense", b, request=request)
    pay = [TxOut(v, o.payout) for v, o in zip(shares, lab.committee(lab.reference()[0]))]
    rich = lab.carry(t, [b], burn, pay, fee=100_000)
    lab.node.sendrawtransaction(rich.hex())
    assert lab.node.getrawmempool() == [rich.txid]
    lab.judge.mine([first])
    wait_until(lambda: lab.node.getrawmempool() == [])
    lab.wallet.rescan()


def test_two_in_one_block(lab):
    request = sha3(b"twice in a block")
    txs = [lab.service_tx(kind, request=request) for kind in KINDS]
    for tx in txs:
        assert lab.node.testmempoolaccept([tx.hex()])[0]["allowed"]
    lab.judge.refused_in_block(txs, "ticket-state-request-used")
    lab.judge.mine(txs[:1])
    lab.wallet.rescan()


def test_fee_bump_keeps_the_ticket(lab):
    """The same ticket with input 0 kept and a higher fee: signatures hold."""
    u = lab.utxo()
    t, shares, burn = lab.service("storage", u)
    pay = [TxOut(v, o.payout) for v, o in zip(shares, lab.committee(lab.reference()[0]))]
    first, second = (lab.carry(t, [u], burn, pay, fee=fee) for fee in (5_000, 50_000))
    lab.node.sendrawtransaction(first.hex())
    lab.node.sendrawtransaction(second.hex())
    assert lab.node.getrawmempool() == [second.txid]
    lab.mine()
    lab.judge.sync()


def test_reorganisation(lab):
    """Taken back exactly, returned to the mempool, and mined again."""
    roots = {lab.node.getblockcount(): lab.node.getstateroot()}
    tx = lab.accepted(lab.service_tx("storage"))
    top, block = lab.node.getblockcount(), lab.node.getbestblockhash()
    lab.node.invalidateblock(block)
    assert lab.node.getstateroot() == roots[top - 1]
    assert lab.node.tickets("get", tx.txid)["confirmations"] == 0
    lab.node.reconsiderblock(block)
    lab.judge.sync()
    lab.wallet.rescan()


def test_block_stuffed_with_signatures(lab):
    """16,000 units in a block, counted before any signature is checked: none here is
    right."""
    lab.wallet.broadcast(lab.wallet.create(outputs=1001, fee=200_000))
    lab.mine()
    height = lab.reference()[0]
    members = lab.committee(height)[:3]
    txs = []
    for _ in range(1001):       # of 16 units each
        u = lab.wallet.get_utxo(confirmed_only=True)
        t, shares, burn = lab.service("sense", u, members, height=height, sign=False)
        pay = [TxOut(v, o.payout) for v, o in zip(shares, members)]
        txs.append(lab.carry(t, [u], burn, pay, change=False))
    lab.judge.refused_in_block(txs[:1000], "ticket-signature")
    lab.judge.refused_in_block(txs, "ticket-sigops")
    lab.wallet.rescan()


def test_window_of_144(lab):
    height, _ = lab.reference(lab.node.getblockcount())
    lab.mine(143)
    members = lab.committee(height)[:3]
    lab.accepted(lab.service_tx("sense", height=height, members=members))
    lab.refused(lab.service_tx("sense", height=height, members=members), "ticket-committee")


def test_fee_range(lab):
    """A price above all the money there is. (A dear supernode joins: this is the last test.)"""
    dear = operators.Operator(lab.genesis, "dear")
    operators.fund_collaterals(lab.wallet, [dear])
    operators.register_ids(lab.wallet, [dear])
    lab.mine()
    dear.storage_fee, dear.sense_fee = 10 ** 12, 10 ** 12
    operators.register(lab.wallet, [dear], storage_fee=dear.storage_fee,
                       sense_fee=dear.sense_fee)
    lab.operators.append(dear)
    lab.mine(2)
    while dear not in lab.committee(lab.node.getblockcount()):
        lab.mine()
    height = lab.node.getblockcount()
    c = lab.committee(height)
    members = sorted({dear, *[o for o in c if o is not dear][:2]}, key=c.index)
    size = 1000 * MEGABYTE      # 10^15 for the dear one alone
    refused = lambda **kw: lab.refused(lab.service_tx(
        "storage", members=members, height=height,
        payments=[TxOut(10_000, o.payout) for o in members], burn=10_000, **kw),
        "ticket-fee-range")
    refused(file_size=2 * size + size // 8)
    refused(file_size=2 ** 39, ratio=64000, redundancy=20)
    lab.refused(lab.service_tx("storage", members=members, height=height, file_size=size,
                               payments=[TxOut(10_000, o.payout) for o in members],
                               burn=10_000), "ticket-burn")
