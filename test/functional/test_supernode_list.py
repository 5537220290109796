"""Supernodes: registration, update and end, every rule and its reason; one verdict by mempool,
template, block and a node that sees only blocks; states as framework/supernodes.py has them."""
import struct

import pytest

from framework import fixtures
from framework import operators as op
from framework import script as sc
from framework import supernodes, ticket
from framework.key import Key
from framework.messages import TxMsg
from framework.params import OCHRE
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.sighash import sign_p2pkh, sign_p2wpkh
from framework.util import wait_until
from framework.verdict import Judge

N = 8
LEAST, MOST = 1000, 10 ** 12


node = fixtures.node()
wallet = fixtures.mini_wallet(140)


@pytest.fixture(scope="module")
def genesis(node):
    return bytes.fromhex(node.getblockhash(0))[::-1]


@pytest.fixture(scope="module")
def ops(node, wallet, genesis):
    forms = ("p2wpkh", "p2pkh", "p2pkh-long", "p2tr")
    ops = [op.Operator(genesis, f"op{i}", forms[i % 4]) for i in range(N)]
    op.start(wallet, ops)
    return ops


@pytest.fixture(scope="module")
def judge(module_lab, node, ops):
    return Judge(node, module_lab.node())


@pytest.fixture(scope="module")
def spare(judge, wallet, genesis):
    """Operators with identity and collateral that are not registered; each test takes its
    own."""
    spare = [op.Operator(genesis, f"spare{i}", "p2pkh" if i % 2 else "p2wpkh")
             for i in range(10)]
    op.split(wallet, 120)
    op.fund_collaterals(wallet, spare)
    op.register_ids(wallet, spare)
    wallet.generate(1)
    judge.sync()
    return iter(spare)


def try_register(judge, wallet, o, reason, sign=True, **changes):
    tx = op.carry(wallet, lambda p: o.register_ticket(p, sign, **changes))
    judge.refused(tx, reason)


def registered(judge, wallet, o, **changes):
    tx = op.carry(wallet, lambda p: o.register_ticket(p, **changes))
    judge.accepted(tx)
    o.sn = tx.txid_bytes
    return o


def test_all_forms_of_collateral(judge, ops):
    chain = judge.sync()
    assert len(supernodes.all_of(judge.state)) == N
    assert len(supernodes.committee(judge.state, chain.tip.hash_bytes, chain.height)) == N


def test_register_fees(judge, wallet, spare):
    o = next(spare)
    for name in ("storage_fee", "sense_fee"):
        for fee in (0, LEAST - 1, MOST + 1, 2 ** 64 - 1):
            try_register(judge, wallet, o, "ticket-fee-range", **{name: fee})
    registered(judge, wallet, o, storage_fee=LEAST, sense_fee=MOST)


def test_register_names(judge, wallet, ops, spare, genesis):
    """PastelID, collateral, operator key and endpoint belong to one supernode only."""
    o, taken = next(spare), ops[0]
    try_register(judge, wallet, o, "ticket-state-endpoint-taken", endpoint=taken.endpoint)
    stranger = op.Operator(genesis, "never registered")
    stranger.collateral = o.collateral
    try_register(judge, wallet, stranger, "ticket-state-id-unknown")
    mine, o.opkey = o.opkey, taken.opkey
    try_register(judge, wallet, o, "ticket-state-operator-key-taken")
    o.opkey = mine
    mine, o.collateral, o.owner, form, o.form = (o.collateral, taken.collateral, taken.owner,
                                                 o.form, taken.form)
    try_register(judge, wallet, o, "ticket-state-collateral-taken")
    o.collateral = mine
    o.owner, o.form = Key.from_seed("owner " + o.name), form
    again = op.Operator(genesis, ops[1].name, ops[1].form)
    again.collateral, again.opkey, again.endpoint = o.collateral, o.opkey, o.endpoint
    try_register(judge, wallet, again, "ticket-state-id-had-supernode")
    # an endpoint differs by its port, and by its network
    o.endpoint = taken.endpoint[:-2] + b"\x01\x00"
    registered(judge, wallet, o)


def test_register_collateral(judge, wallet, spare):
    o = next(spare)
    good = o.collateral
    o.collateral = good[:32] + struct.pack("<I", 99)
    try_register(judge, wallet, o, "ticket-state-collateral-missing")
    for value, script, why in ((op.COLLATERAL - 1, o.collateral_script, "amount"),
                               (op.COLLATERAL + 1, o.collateral_script, "amount"),
                               (op.COLLATERAL, sc.p2sh(b"\x51"), "script"),
                               (op.COLLATERAL, sc.p2wsh(b"\x51"), "script"),
                               (op.COLLATERAL, sc.p2pk(o.owner.pubkey), "script")):
        fund = wallet.create(utxos=wallet.get_utxos(9), extra_outputs=[TxOut(value, script)])
        judge.mine([fund])
        wallet.scan_tx(fund, judge.chain.height)
        o.collateral = fund.txid_bytes + struct.pack("<I", len(fund.vout) - 1)
        try_register(judge, wallet, o, "ticket-state-collateral-" + why)
        wallet.utxos = [u for u in wallet.utxos if u.txid != fund.txid]
    o.collateral = good
    registered(judge, wallet, o)


def test_register_collateral_age(judge, wallet, spare):
    """One block old; of a coinbase, a hundred."""
    o = next(spare)
    coins = wallet.get_utxos(9)
    fund = wallet.create(utxos=coins, extra_outputs=[TxOut(op.COLLATERAL, o.collateral_script)])
    good, o.collateral = o.collateral, fund.txid_bytes + struct.pack("<I", 1)
    tx = op.carry(wallet, o.register_ticket)
    judge.refused_in_block([fund, tx], "ticket-state-collateral-depth")
    for n in judge.nodes:
        assert n.testmempoolaccept([tx.hex()])[0]["reject-reason"] == \
            "ticket-state-collateral-missing"
    judge.mine([fund])
    assert all(n.testmempoolaccept([tx.hex()])[0]["allowed"] for n in judge.nodes)

    value = OCHRE.max_coinbase(judge.chain.height + 1) - op.COLLATERAL
    coinbase = judge.chain.next(value=value).txs[0]
    coinbase.vout = [v for v in coinbase.vout if v.script_pubkey[:2] != b"\x6a\x24"]
    coinbase.vout.append(TxOut(op.COLLATERAL, o.collateral_script))
    block = judge.mine([], coinbase=coinbase)
    n = [v.value for v in block.txs[0].vout].index(op.COLLATERAL)
    o.collateral = block.txs[0].txid_bytes + struct.pack("<I", n)
    try_register(judge, wallet, o, "ticket-state-collateral-immature")
    wallet.generate(98)
    judge.sync()
    try_register(judge, wallet, o, "ticket-state-collateral-immature")
    wallet.generate(1)
    judge.sync()
    registered(judge, wallet, o)
    assert good


def spend_collateral(o, outputs):
    """A transaction that spends a p2wpkh collateral."""
    txid, n = o.collateral[:32][::-1].hex(), struct.unpack("<I", o.collateral[32:])[0]
    tx = Tx([TxIn(OutPoint(txid, n))], outputs)
    sign_p2wpkh(tx, 0, o.owner, op.COLLATERAL)
    return tx


def test_register_spends_its_collateral(judge, wallet, spare):
    o = next(spare)
    while o.form != "p2wpkh":
        o = next(spare)
    outpoint = o.collateral
    payload = o.register_ticket(outpoint).payload()
    tx = spend_collateral(o, [TxOut(0, ticket.carrier(payload)),
                              TxOut(op.COLLATERAL - op.FEE, wallet.script_pubkey)])
    judge.refused(tx, "ticket-state-collateral-spent-here")
    # spent earlier in the same block: by the time of the ticket it is gone
    ticket_tx = op.carry(wallet, o.register_ticket)
    spend = spend_collateral(o, [TxOut(op.COLLATERAL - op.FEE, wallet.script_pubkey)])
    judge.refused_in_block([spend, ticket_tx], "ticket-state-collateral-missing")
    # spent later in the same block: registered, and gone again
    judge.mine([ticket_tx, spend])
    assert supernodes.get(judge.state, ticket_tx.txid_bytes) is None
    assert judge.state.get(b"i" + o.pastelid)[-1] == ticket.FLAG_HAD_SUPERNODE


def test_register_signatures(judge, wallet, spare):
    o = next(spare)
    utxo, other = wallet.get_utxos(2)

    def attempt(change, reason="ticket-signature", coin=utxo):
        t = o.register_ticket(utxo.outpoint.serialize())
        change(t.values)
        judge.refused(op.carry(wallet, lambda p: t, utxo=coin), reason)

    attempt(lambda v: None, coin=other)            # replayed behind another input 0
    for name in ("opkey_sig", "collateral_sig", "operator_sig"):
        def flip(v, name=name):
            v[name] = v[name][:20] + bytes([v[name][20] ^ 1]) + v[name][21:]
        attempt(flip)
    attempt(lambda v: v.update(opkey_sig=b""))
    attempt(lambda v: v.update(collateral_sig=b""))
    attempt(lambda v: v.update(opkey_sig=v["opkey_sig"][:63]))
    attempt(lambda v: v.update(collateral_sig=v["collateral_sig"][:64]))
    for name, value in (("payout_script", sc.p2wpkh(o.opkey.pubkey)), ("storage_fee", 1001),
                        ("endpoint", op.endpoint("9.9.9.9"))):
        attempt(lambda v: v.update({name: value}))  # altered after signing

    # made for another network, and for another kind
    mine, o.genesis = o.genesis, bytes(range(32))
    attempt(lambda v: None)
    o.genesis = mine

    def as_update(v):
        v["operator_sig"] = o.id.sign(ticket.ticket_hash(
            o.genesis, "ochre/sn-update/operator",
            utxo.outpoint.serialize() + ticket.Ticket("sn-register", v).body()))
    attempt(as_update)

    def thief(v):
        h = ticket.Ticket("sn-register", v).hash(o.genesis, "collateral_sig",
                                                 utxo.outpoint.serialize())
        key = Key.from_seed("thief")
        v["collateral_sig"] = key.sign_recoverable(op.signed_message_hash(h.hex().encode()))
    attempt(thief)

    def high_s(v):
        h = ticket.Ticket("sn-register", v).hash(o.genesis, "collateral_sig",
                                                 utxo.outpoint.serialize())
        v["collateral_sig"] = o.owner.sign_recoverable(
            op.signed_message_hash(h.hex().encode()), low_s=False)
    attempt(high_s)
    # of the header only the number of the key counts, and for P2PKH compression
    t = o.register_ticket(utxo.outpoint.serialize())
    sig = t.values["collateral_sig"]
    t.values["collateral_sig"] = bytes([sig[0] + 8]) + sig[1:]
    tx = op.carry(wallet, lambda p: t, utxo=utxo)
    judge.accepted(tx)
    o.sn = tx.txid_bytes


def test_register_malformed(judge, wallet, ops, spare):
    o = next(spare)
    utxo = wallet.get_utxo(confirmed_only=True)
    mapped = bytes(10) + b"\xff\xff\x01\x02\x03\x04"
    onioncat = bytes.fromhex("fd87d87eeb43") + bytes(10)
    port = struct.pack("<H", 9933)
    bad = [{"endpoint": b"\x01\x01\x02\x03\x04\x00\x00"}, {"endpoint": b"\x02" + mapped + port},
           {"endpoint": b"\x02" + onioncat + port}, {"endpoint": b"\x03" + bytes(10) + port},
           {"endpoint": b"\x00\x01\x02\x03\x04" + port},
           {"endpoint": b"\x04" + bytes(16) + port},
           {"operator_key": b"\xff" * 32}, {"operator_key": bytes(31) + b"\x05"},
           {"payout_script": b"\x51"}, {"payout_script": sc.p2pk(o.owner.pubkey)},
           {"payout_script": b""}]
    for change in bad:
        t = o.register_ticket(utxo.outpoint.serialize(), **change)
        judge.refused(op.carry(wallet, lambda p: t, utxo=utxo), "ticket-malformed")
    good = o.register_ticket(utxo.outpoint.serialize()).payload()
    for payload in (good[:-1], good + b"\x00", good[:6], good[:100]):
        judge.refused(op.carry(wallet, lambda p: payload, utxo=utxo), "ticket-malformed")
    addresses = [b"\x02" + b"\x2a\x01" + bytes(14), b"\x04" + bytes(32), b"\x05" + bytes(32),
                 b"\x06\xfc" + bytes(15)]
    o = registered(judge, wallet, o)
    for address in addresses:
        tx = op.carry(wallet, lambda p: o.update_ticket(p, endpoint=address + port))
        judge.accepted(tx)


# --- update and end ---------------------------------------------------------------------------

def test_update_rules(judge, wallet, ops, genesis):
    o, other = ops[4], ops[1]
    assert o.form == "p2wpkh"

    def refuse(reason, roles=("operator",), **changes):
        judge.refused(op.carry(wallet, lambda p: o.update_ticket(p, roles, **changes)), reason)

    refuse("ticket-fee-range", storage_fee=LEAST - 1)
    refuse("ticket-fee-range", sense_fee=MOST + 1)
    refuse("ticket-state-endpoint-taken", endpoint=other.endpoint)
    refuse("ticket-state-operator-key-taken", operator_key=other.opkey.xonly)
    new = Key.from_seed("another operator key")
    refuse("ticket-signature", operator_key=new.xonly)
    refuse("ticket-malformed", ("operator", "opkey"))
    refuse("ticket-malformed", ("operator", "collateral"))
    payout = sc.p2tr(new.xonly)
    refuse("ticket-signature", payout_script=payout)
    refuse("ticket-signature", ())
    sn, o.sn = o.sn, bytes(32)
    refuse("ticket-state-sn-unknown")
    o.sn = sn
    id_of, o.id = o.id, other.id
    refuse("ticket-signature")
    o.id = id_of

    # nothing changes but what is said; penalties, age and place in the queue stay
    before = supernodes.get(judge.state, o.sn)
    judge.accepted(op.carry(wallet, lambda p: o.update_ticket(p, storage_fee=MOST)))
    after = supernodes.get(judge.state, o.sn)
    assert after.storage_fee == MOST and after.registered == before.registered
    judge.accepted(op.carry(wallet, lambda p: o.update_ticket(
        p, ("operator", "collateral"), payout_script=payout)))
    o.payout = payout
    old, o.opkey = o.opkey, new
    judge.accepted(op.carry(wallet, lambda p: o.update_ticket(p, ("operator", "opkey"))))
    assert judge.state.get(b"k" + old.xonly) is None
    assert judge.state.get(b"k" + new.xonly) == o.sn
    # the old key is free for somebody else now
    judge.accepted(op.carry(wallet, lambda p: other.update_ticket(p, endpoint=op.endpoint("8.8.8.8"))))


def test_revoke(judge, wallet, ops):
    o, other = ops[5], ops[6]
    mine, o.id = o.id, other.id
    judge.refused(op.carry(wallet, o.revoke_ticket), "ticket-signature")
    o.id = mine
    judge.sync()
    seats = [k for k, v in judge.state.values.items() if k[:1] == b"t" and o.pastelid in v]
    judge.accepted(op.carry(wallet, lambda p: o.revoke_ticket(p, reason=255)))
    assert supernodes.get(judge.state, o.sn) is None
    assert seats and all(o.pastelid in judge.state.get(k) for k in seats), "seats stay"
    judge.refused(op.carry(wallet, o.revoke_ticket), "ticket-state-sn-unknown")
    judge.refused(op.carry(wallet, lambda p: o.update_ticket(p)), "ticket-state-sn-unknown")
    # its PastelID was used; the coin is free
    try_register(judge, wallet, o, "ticket-state-id-had-supernode")


def test_collateral_spent(judge, wallet, ops):
    """The supernode leaves at that point: before the same transaction's own ticket."""
    o = ops[0]
    t = o.update_ticket(o.collateral)
    tx = spend_collateral(o, [TxOut(0, ticket.carrier(t.payload())),
                              TxOut(op.COLLATERAL - op.FEE, wallet.script_pubkey)])
    judge.refused(tx, "ticket-state-sn-unknown")
    spend = spend_collateral(o, [TxOut(op.COLLATERAL - op.FEE, wallet.script_pubkey)])
    update = op.carry(wallet, lambda p: o.update_ticket(p))
    judge.refused_in_block([spend, update], "ticket-state-sn-unknown")
    judge.mine([update, spend])
    assert supernodes.get(judge.state, o.sn) is None
    assert all(judge.state.get(k) is None for k in (b"c" + o.collateral, b"o" + o.pastelid,
                                                    b"k" + o.opkey.xonly, b"e" + o.endpoint))


def test_template_spends_before_update(judge, node, wallet, ops):
    """Both wait in the mempool; the template has no ticket that its own order makes false."""
    o = ops[4]
    spend = spend_collateral(o, [TxOut(op.COLLATERAL - 90000, wallet.script_pubkey)])
    update = op.carry(wallet, lambda p: o.update_ticket(p), fee=5000)
    for tx in (spend, update):
        node.sendrawtransaction(tx.hex())
    listed = [t["txid"] for t in node.getblocktemplate({"rules": ["segwit"]})["transactions"]]
    assert listed == [spend.txid]
    wallet.generate(1)
    judge.sync()
    assert node.getrawmempool() == []


def test_id_revoke_ends_its_supernode(judge, node, wallet, ops):
    o = ops[7]
    coin = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)],
                         extra_outputs=[TxOut(10 ** 6, o.payout)])
    judge.mine([coin])
    owner = Key.from_seed("payout " + o.name)
    tx = Tx([TxIn(OutPoint(coin.txid, 1))],
            [TxOut(0, ticket.carrier(b"OCHR\x01\x06" + o.pastelid)),
             TxOut(10 ** 6 - op.FEE, wallet.script_pubkey)])
    sign_p2wpkh(tx, 0, owner, 10 ** 6)
    assert supernodes.get(judge.state, o.sn) is not None
    judge.accepted(tx)
    assert supernodes.get(judge.state, o.sn) is None
    judge.refused(op.carry(wallet, lambda p: o.update_ticket(p)), "ticket-state-sn-unknown")


def mint_on(judge, wallet, ops, o):
    """A token on a coin that would be a good collateral of o; returns its outpoint."""
    chain, at = judge.chain, judge.chain.height - 6
    seats = supernodes.committee(chain.states[at], chain.blocks[at].hash_bytes, at)
    quota = 1 << 20
    fees = sorted(r.storage_fee for _, r in seats)
    price = fees[(len(fees) - 1) // 2]
    burn = max(10 ** 5, -(-3 * price // 5))
    t = ticket.Ticket("snft-mint", {
        "committee": struct.pack("<I", at) + chain.blocks[at].hash_bytes, "name": b"a token",
        "quota": quota, "anchor": 2, "btns_key": b"", "meta_cid": b"", "btns_sig": b""})
    coins = wallet.get_utxos(9)
    tx = op.carry(wallet, lambda p: t, burn=burn, utxo=coins[0], spend=coins[1:],
                  more=[TxOut(op.COLLATERAL, o.collateral_script),
                        *(TxOut(price, r.payout_script) for _, r in seats[:3])])
    judge.accepted(tx)
    return tx.txid_bytes + struct.pack("<I", 2)


def test_collateral_with_a_token(judge, wallet, ops, spare):
    o = next(spare)
    good, o.collateral = o.collateral, mint_on(judge, wallet, ops, o)
    wallet.generate(1)
    judge.sync()
    try_register(judge, wallet, o, "ticket-state-collateral-token")
    o.collateral = good
    registered(judge, wallet, o)


def test_what_a_peer_is_to_blame_for(judge, node, wallet, ops):
    """A false signature is misbehaviour; one that only our state misses may be fine where the
    peer stands."""
    o = ops[3]
    payout = sc.p2wpkh(Key.from_seed("elsewhere").pubkey)
    missing = op.carry(wallet, lambda p: o.update_ticket(p, payout_script=payout))
    needless = op.carry(wallet, lambda p: o.update_ticket(p, ("operator", "opkey")))
    false = op.carry(wallet, lambda p: o.update_ticket(p, ()))
    peer = node.add_peer()
    for tx in (missing, needless):
        start = node.log_size()
        peer.send_and_sync(TxMsg(tx))
        assert "Misbehaving" not in node.log(start)
    start = node.log_size()
    peer.send(TxMsg(false))
    peer.wait_disconnect()
    node.wait_log("Misbehaving", start)
    assert node.getrawmempool() == []


# --- conflicts --------------------------------------------------------------------------------

def test_claims(judge, node, wallet, ops, spare, genesis):
    """Pending tickets of one name replace each other by the rules of replacement."""
    a, b = ops[1], ops[2]
    place = op.endpoint("7.7.7.7")
    first = op.carry(wallet, lambda p: a.update_ticket(p, endpoint=place), fee=3000)
    poor = op.carry(wallet, lambda p: b.update_ticket(p, endpoint=place), fee=3000)
    rich = op.carry(wallet, lambda p: b.update_ticket(p, endpoint=place), fee=9000)
    same = op.carry(wallet, a.revoke_ticket, fee=3000)
    node.sendrawtransaction(first.hex())
    for tx in (poor, same):
        assert node.testmempoolaccept([tx.hex()])[0]["reject-reason"] == "insufficient fee"
    node.sendrawtransaction(rich.hex())
    assert node.getrawmempool() == [rich.txid]
    judge.refused_in_block([first, rich], "ticket-state-endpoint-taken")
    judge.mine([first])
    assert node.getrawmempool() == [], "invalid now"


def test_reorganisation(judge, node, wallet, ops):
    """Registrations, ends and payments come off and on again, to the same roots."""
    roots = [s.root().hex() for s in judge.chain.states]
    tip = judge.chain.height
    for depth in (1, 12, 40):
        fork = node.getblockhash(tip - depth + 1)
        for n in judge.nodes:
            n.invalidateblock(fork)
            assert n.getstateroot() == roots[tip - depth]
            n.reconsiderblock(fork)
            assert n.getstateroot() == roots[tip]
    branch = judge.chain.fork(tip - 20)
    branch.mine(count=22, extra=b"other")
    for n in judge.nodes:
        for block in branch.blocks[tip - 19:]:
            assert n.submitblock(block.hex()) in (None, "inconclusive")
        assert n.getbestblockhash() == branch.tip.hash
        assert n.getstateroot() == branch.root.hex()
        n.invalidateblock(branch.blocks[tip - 19].hash)
        assert n.getstateroot() == roots[tip]


def test_restart(judge, node, wallet, ops):
    """The list in memory is what the records say, after a clean end, a crash, a reindex; and
    collaterals are still watched."""
    judge.sync()
    for stop, options in ((node.stop, ()), (node.kill, ()), (node.stop, ("-reindex-chainstate",))):
        stop()
        node.start(*options)
        for block in judge.chain.blocks[node.getblockcount() + 1:]:
            node.submitblock(block.hex())
        wait_until(lambda: node.getbestblockhash() == judge.chain.tip.hash)
        judge.mine([])
    assert node.verifychain(4, 60)
    o = ops[1]
    assert supernodes.get(judge.state, o.sn) is not None and o.form == "p2pkh"
    txid, n = o.collateral[:32][::-1].hex(), struct.unpack("<I", o.collateral[32:])[0]
    tx = Tx([TxIn(OutPoint(txid, n))], [TxOut(op.COLLATERAL - op.FEE, wallet.script_pubkey)])
    sign_p2pkh(tx, 0, o.owner)
    judge.accepted(tx)
    assert supernodes.get(judge.state, o.sn) is None
