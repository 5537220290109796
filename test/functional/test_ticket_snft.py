"""Storage NFTs: mint, register, upgrade, sync, and how tokens move with coins; every rule at
its boundary, one verdict by mempool, template, block and a node that sees only blocks."""
import struct

import pytest

from framework import script as sc
from framework import sighash, ticket_state
from framework.address import to_script
from framework.key import Key
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.psbt import Psbt
from framework.rpc import expect_error
from framework.ticket import Ticket
from framework.ticket_lab import MEGABYTE, TicketLab, btns_key, prevout_bytes
from framework.util import wait_until
from framework.wallet import Utxo

LEAST_QUOTA, MOST_QUOTA = MEGABYTE, 2 ** 39
REGISTER_BURN = 100_000


@pytest.fixture(scope="module")
def lab(module_lab):
    return TicketLab(module_lab)


def record(lab, token):
    """The token's record as the model has it."""
    return ticket_state.get_token(lab.judge.sync().states[-1], token)


def token_text(token):
    return token[::-1].hex()


def mint(lab, key=None, **kwargs):
    """A new token: (token, the coin that carries it)."""
    tx = lab.accepted(lab.mint_tx(key=key, **kwargs))
    n = kwargs.get("anchor", 0)
    return tx.txid_bytes, take(lab, tx, n)


def take(lab, tx, n):
    lab.wallet.utxos = [u for u in lab.wallet.utxos if (u.txid, u.vout) != (tx.txid, n)]
    return Utxo(tx.txid, n, tx.vout[n].value, lab.node.getblockcount())


def move(lab, coins, outputs, fee=1000):
    """A transaction of these coins, a paying one behind them, and these outputs first."""
    u = lab.utxo()
    total = sum(c.value for c in [*coins, u]) - sum(o.value for o in outputs) - fee
    tx = Tx([TxIn(c.outpoint) for c in [*coins, u]],
            [*outputs, TxOut(total, lab.wallet.script_pubkey)], 2, 0)
    return lab.wallet.sign(tx)


def anchor(value=1000):
    return TxOut(value, sc.p2wpkh(Key.from_seed("somebody else").pubkey))


def mine_own(lab, tx):
    assert lab.node.testmempoolaccept([tx.hex()], 0)[0]["allowed"]
    lab.judge.mine([tx])
    lab.wallet.scan_blocks([lab.node.getbestblockhash()])
    return tx


# --- mint ---

def test_mint(lab):
    key = btns_key("minted")
    token, coin = mint(lab, key, name="Grüße".encode(), meta_cid=b"\x01\x55\x12")
    shown = lab.node.snft("get", token_text(token))
    assert shown["name"] == "Grüße" and shown["btns_key"] == key.public.hex()
    assert shown["quota"] == 10 * MEGABYTE and shown["used"] == 0
    assert shown["minted"] == shown["last_sync"] == lab.node.getblockcount()
    assert shown["anchor"] == {"txid": coin.txid, "vout": coin.vout}
    assert shown["owner_address"] == lab.wallet.address
    assert lab.node.snft("owner", token_text(token))["owner_address"] == lab.wallet.address
    assert token_text(token) in [t["token"] for t in lab.node.snft("list", lab.wallet.address)]
    for text in ("Grüße", key.public.hex(), "015512"):
        assert coin.txid in [t["txid"] for t in lab.node.tickets("find", "snft-mint", text)]


def test_mint_quota(lab):
    height = lab.reference()[0]
    for quota in (LEAST_QUOTA - 1, MOST_QUOTA + 1, 0):
        few = [TxOut(10 ** 6, o.payout) for o in lab.committee(height)[:3]]
        lab.refused(lab.mint_tx(quota=quota, height=height, payments=few, burn=10 ** 6),
                    "ticket-state-quota")
    mint(lab, quota=LEAST_QUOTA, height=height)


def test_mint_name_and_cid(lab):
    for bad in (b"\x00", b"a\nb", b"\x7f", b"\xc2\x80", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf",
                b"n" * 65):
        lab.refused(lab.mint_tx(name=bad), "ticket-malformed")
    lab.refused(lab.mint_tx(meta_cid=bytes(65)), "ticket-malformed")
    mint(lab, name=b"n" * 64, meta_cid=bytes(64))
    mint(lab, name=b"", meta_cid=b"")


def test_mint_payment_and_burn(lab):
    height = lab.reference()[0]
    payments, least = lab.space_payments(height, 10 * MEGABYTE)
    lab.refused(lab.mint_tx(burn=least - 1, height=height), "ticket-burn")
    for i in range(3):
        short = [TxOut(p.value - (i == k), p.script_pubkey) for k, p in enumerate(payments)]
        lab.refused(lab.mint_tx(payments=short, height=height), "ticket-payment")
    others = [TxOut(p.value, o.payout)      # of the committee, but not its best
              for p, o in zip(payments, lab.committee(height)[3:6])]
    lab.refused(lab.mint_tx(payments=others, height=height), "ticket-payment")
    mint(lab, burn=least, height=height)


def test_mint_anchor(lab):
    """An output that can be spent, and that no token came to."""
    carrier, beyond = 1, 99
    for n in (carrier, beyond, 65535):
        lab.refused(lab.mint_tx(anchor=n), "ticket-state-anchor-unspendable")
    _, coin = mint(lab)
    u = lab.utxo()

    def second(n):
        t = lab.mint(u, anchor=n)
        due, least = lab.space_payments(lab.reference()[0], t.quota)
        return lab.carry(t, [u, coin], least, due, first=[lab.anchor(), lab.anchor()])

    lab.refused(second(0), "ticket-state-anchor-taken")
    lab.accepted(second(1))


def test_mint_key(lab):
    """A key proves that it is there, and belongs to one token."""
    key = btns_key("of one token")
    for changes, reason in ((dict(btns_sig=bytes(64)), "ticket-signature"),
                            (dict(btns_sig=b""), "ticket-signature"),
                            (dict(btns_sig=bytes(63)), "ticket-signature"),
                            (dict(btns_key=key.public[:31], btns_sig=bytes(64)),
                             "ticket-malformed")):
        lab.refused(lab.mint_tx(key=key, **changes), reason)
    lab.refused(lab.mint_tx(btns_sig=bytes(64)), "ticket-malformed")
    u, v = lab.utxo(), lab.utxo()
    t = lab.mint(u, key)
    due, least = lab.space_payments(lab.reference()[0], t.quota)
    lab.refused(lab.carry(t, [v, u], least, due, first=[lab.anchor()]), "ticket-signature")
    lab.accepted(lab.carry(t, [u], least, due, first=[lab.anchor()]))
    lab.refused(lab.mint_tx(key=key), "ticket-state-btns-key-taken")


def test_mints_of_one_key_conflict(lab):
    key = btns_key("pending")
    txs = [lab.mint_tx(key=key) for _ in range(2)]
    lab.node.sendrawtransaction(txs[0].hex())
    expect_error(-26, "insufficient fee", lab.node.sendrawtransaction, txs[1].hex())
    lab.judge.refused_in_block(txs, "ticket-state-btns-key-taken")
    lab.judge.mine(txs[1:])
    wait_until(lambda: lab.node.getrawmempool() == [])
    lab.wallet.rescan()


# --- moves ---

def test_moves(lab):
    """In the order of inputs, one each to spendable outputs; those left over end."""
    tokens, coins = zip(*(mint(lab) for _ in range(3)))
    dead = TxOut(0, b"\x6a\x01\x00")
    tx = mine_own(lab, move(lab, [coins[2], coins[0]], [dead, anchor(), anchor()]))
    assert record(lab, tokens[2]).anchor == tx.txid_bytes + struct.pack("<I", 1)
    assert record(lab, tokens[0]).anchor == tx.txid_bytes + struct.pack("<I", 2)
    assert record(lab, tokens[1]).anchor[:32] == tokens[1]
    owner = lab.node.snft("owner", token_text(tokens[0]))
    assert owner["anchor"] == {"txid": tx.txid, "vout": 2}


def test_token_ends(lab):
    """No spendable output is left for it: the token and its key are no more."""
    key = btns_key("ended")
    token, coin = mint(lab, key)
    kept, other = mint(lab)
    tx = Tx([TxIn(other.outpoint), TxIn(coin.outpoint)],
            [TxOut(0, b"\x6a" + b"\x51" * 40), TxOut(1000, lab.wallet.script_pubkey)], 2, 0)
    mine_own(lab, lab.wallet.sign(tx))
    assert record(lab, token) is None
    assert record(lab, kept).anchor == tx.txid_bytes + struct.pack("<I", 1)
    expect_error(-5, "no such token", lab.node.snft, "get", token_text(token))
    again, _ = mint(lab, key)
    assert record(lab, again).btns_key == key.public


def test_moves_through_a_block(lab):
    """Moved twice, minted and moved, in the same block."""
    token, coin = mint(lab)
    first = move(lab, [coin], [lab.anchor()])
    second = move(lab, [Utxo(first.txid, 0, 1000, 0)], [lab.anchor()])
    minting = lab.mint_tx()
    third = move(lab, [Utxo(minting.txid, 0, 1000, 0)], [lab.anchor()])
    lab.judge.mine([first, second, minting, third])
    assert record(lab, token).anchor[:32] == second.txid_bytes
    assert record(lab, minting.txid_bytes).anchor[:32] == third.txid_bytes
    root = lab.node.getstateroot()
    block = lab.node.getbestblockhash()
    for n in lab.judge.nodes:
        n.invalidateblock(block)
    assert lab.node.snft("owner", token_text(token))["anchor"]["txid"] == coin.txid
    for n in lab.judge.nodes:
        n.reconsiderblock(block)
    assert lab.node.getstateroot() == root
    lab.wallet.rescan()


def test_template_follows_tokens(lab):
    """A pending sync of a token that a pending move ends: templates hold no ticket that
    fails."""
    key = btns_key("about to end")
    token, coin = mint(lab, key)
    step = move(lab, [coin], [lab.anchor(2000)])
    ending = Tx([TxIn(OutPoint(step.txid, 0))], [TxOut(0, b"\x6a" + b"\x51" * 60)], 2, 0)
    lab.wallet.sign(ending)
    u = lab.utxo()
    t = lab.sync_ticket([lab.report(token, key, 1, 5)])
    report = lab.carry(t, [u], fee=2000)
    for tx in (step, ending, report):
        lab.node.sendrawtransaction(tx.hex(), 0)
    template = lab.node.getblocktemplate({"rules": ["segwit"]})
    ids = [x["txid"] for x in template["transactions"]]
    if ending.txid in ids and report.txid in ids:
        assert ids.index(report.txid) < ids.index(ending.txid)
    lab.mine()
    lab.judge.sync()
    wait_until(lambda: lab.node.getrawmempool() == [])
    assert record(lab, token) is None
    lab.wallet.rescan()


def test_sale(lab):
    """The seller signs his coin and his payment alone; the buyer adds the rest, and his
    output, which stands first, gets the token."""
    seller, buyer = Key.from_seed("seller"), Key.from_seed("buyer")
    token, coin = mint(lab)
    tx = mine_own(lab, move(lab, [coin], [TxOut(1000, sc.p2wpkh(seller.pubkey))]))
    price = 50_000
    u = lab.utxo()
    sale = Tx([TxIn(u.outpoint), TxIn(OutPoint(tx.txid, 0))],
              [TxOut(1000, sc.p2wpkh(buyer.pubkey)), TxOut(price, sc.p2wpkh(seller.pubkey)),
               TxOut(u.value + 1000 - 1000 - price - 2000, lab.wallet.script_pubkey)], 2, 0)
    lab.wallet.sign(sale)
    sighash.sign_p2wpkh(sale, 1, seller, 1000, sighash.SINGLE | sighash.ANYONECANPAY)
    mine_own(lab, sale)
    assert record(lab, token).anchor == sale.txid_bytes + struct.pack("<I", 0)
    owner = lab.node.snft("owner", token_text(token))
    assert owner["owner_address"] == buyer.p2wpkh(lab.params)


def pay_wallet(lab, wallet, coins, value):
    """An output of the wallet in a block, the first of its transaction."""
    script = to_script(lab.params, wallet.getnewaddress())
    tx = mine_own(lab, move(lab, coins, [TxOut(value, script)]))
    return {"txid": tx.txid, "vout": 0}


def test_sale_between_wallets(lab):
    """The same by PSBTs. The wallets keep the coin out of everything else."""
    seller, buyer = (lab.node.new_wallet(name) for name in ("seller", "buyer"))
    amount = lab.params.amount
    token, coin = mint(lab)
    thing = pay_wallet(lab, seller, [coin], 1000)
    money = pay_wallet(lab, buyer, [], 400_000)
    price = {seller.getnewaddress(): amount(50_000)}
    expect_error(-6, None, seller.sendall, [buyer.getnewaddress()], fee_rate=10)
    offer = seller.walletprocesspsbt(
        psbt=lab.node.createpsbt([thing], [price]),
        sighashtype="SINGLE|ANYONECANPAY", finalize=False)["psbt"]
    # The buyer puts the pair where no token comes to the payment.
    home = buyer.getnewaddress()
    whole = buyer.walletcreatefundedpsbt(
        [money, {**thing, "weight": 273}], [{home: amount(1000)}, price], 0,
        {"fee_rate": 10, "change_position": 2})["psbt"]
    a, b = Psbt.from_base64(whole), Psbt.from_base64(offer)
    a.inputs[1] = b.inputs[0]
    signed = buyer.walletprocesspsbt(a.to_base64())
    assert signed["complete"]
    sale = mine_own(lab, Tx.from_hex(signed["hex"]))
    assert record(lab, token).anchor == sale.txid_bytes + struct.pack("<I", 0)
    assert lab.node.snft("owner", token_text(token))["owner_address"] == home
    assert lab.params.units(seller.getbalance()) == 50_000


# --- register and upgrade ---

def register_tx(lab, token, coins, key, signer=None, burn=REGISTER_BURN, first=None, **changes):
    t = Ticket("snft-register", {"token": token, "btns_key": key.public, "btns_sig": bytes(64),
                                 **changes})
    if "btns_sig" not in changes:
        t.values["btns_sig"] = (signer or key).sign(
            t.hash(lab.genesis, "btns_sig", prevout_bytes(coins[0])))
    return lab.carry(t, coins, burn, first=[lab.anchor()] if first is None else first)


def upgrade_tx(lab, token, coins, quota, payments=None, burn=None, first=None, height=None,
               old=10 * MEGABYTE):
    height, ref = lab.reference(height)
    due, least = lab.space_payments(height, max(quota - old, 1))
    t = Ticket("snft-upgrade", {"token": token, "committee": ref, "quota": quota})
    return lab.carry(t, coins, least if burn is None else burn,
                     due if payments is None else payments,
                     first=[lab.anchor()] if first is None else first)


def test_register(lab):
    old, new = btns_key("before the sale"), btns_key("after the sale")
    token, coin = mint(lab, old)
    u = lab.utxo()
    lab.accepted(lab.carry(lab.sync_ticket([lab.report(token, old, 7, 9)]), [lab.utxo()]))
    lab.refused(register_tx(lab, token, [coin, u], new, burn=REGISTER_BURN - 1), "ticket-burn")
    lab.refused(register_tx(lab, token, [coin, u], new, signer=old), "ticket-signature")
    lab.refused(register_tx(lab, token, [coin, u], old), "ticket-state-btns-key-taken")
    tx = lab.accepted(register_tx(lab, token, [coin, u], new))
    r = record(lab, token)
    assert (r.btns_key, r.sequence, r.cid, r.used) == (new.public, 0, b"", 9)
    assert tx.txid in [t["txid"] for t in
                       lab.node.tickets("find", "snft-register", token_text(token))]
    # the old key is free again, and signs for nobody
    other, _ = mint(lab, old)
    assert record(lab, other).btns_key == old.public
    lab.refused(lab.carry(lab.sync_ticket([lab.report(token, old, 8, 9)]), [lab.utxo()]),
                "ticket-signature")


@pytest.mark.parametrize("make", [
    lambda lab, token, coins, **kw: register_tx(lab, token, coins, btns_key("thief"), **kw),
    lambda lab, token, coins, **kw: upgrade_tx(lab, token, coins, 20 * MEGABYTE, **kw)])
def test_only_the_owner(lab, make):
    """The transaction spends the anchor, and carries the token on."""
    token, coin = mint(lab)
    lab.refused(make(lab, token, [lab.utxo()]), "ticket-state-token-not-spent")
    another, its_coin = mint(lab)
    lab.refused(make(lab, token, [its_coin, lab.utxo()]), "ticket-state-token-not-spent")
    lab.refused(make(lab, bytes(32), [lab.utxo()]), "ticket-state-token-unknown")
    # its own transaction ends the token: two tokens, one spendable output
    u = lab.utxo()
    tx = make(lab, token, [u, its_coin, coin], first=[])
    if len([o for o in tx.vout if o.script_pubkey[:1] != b"\x6a"]) == 1:
        lab.refused(tx, "ticket-state-token-unknown")
    lab.accepted(make(lab, token, [lab.utxo(), coin]))
    assert record(lab, token).anchor[:32] != token
    assert record(lab, another).anchor[:32] == another


def test_upgrade(lab):
    token, coin = mint(lab)
    u = lab.utxo()
    height = lab.reference()[0]
    quota = 30 * MEGABYTE
    for bad in (10 * MEGABYTE, 10 * MEGABYTE - 1, 0, MOST_QUOTA + 1):
        lab.refused(upgrade_tx(lab, token, [coin, u], bad, burn=10 ** 6, payments=[
            TxOut(10 ** 6, o.payout) for o in lab.committee(height)[:3]]), "ticket-state-quota")
    due, least = lab.space_payments(height, 20 * MEGABYTE)
    lab.refused(upgrade_tx(lab, token, [coin, u], quota, burn=least - 1, height=height),
                "ticket-burn")
    short = [TxOut(p.value - (i == 2), p.script_pubkey) for i, p in enumerate(due)]
    lab.refused(upgrade_tx(lab, token, [coin, u], quota, payments=short, height=height),
                "ticket-payment")
    tx = lab.accepted(upgrade_tx(lab, token, [coin, u], quota, height=height))
    assert record(lab, token).quota == quota
    moved = take(lab, tx, 0)
    lab.accepted(upgrade_tx(lab, token, [moved, lab.utxo()], quota + 1, old=quota))


# --- sync ---

def sync_tx(lab, reports, **kwargs):
    return lab.carry(lab.sync_ticket(reports, **kwargs), [lab.utxo()])


@pytest.fixture(scope="module")
def keyed(lab):
    """Tokens with keys: [(token, key)]."""
    pairs = []
    for i in range(4):
        key = btns_key(f"keyed {i}")
        pairs.append((mint(lab, key)[0], key))
    return pairs


def test_sync(lab, keyed):
    reports = [lab.report(token, key, 1, 100 + i, cid=b"cid %d" % i)
               for i, (token, key) in enumerate(keyed)]
    tx = lab.accepted(sync_tx(lab, reports))
    for i, (token, _) in enumerate(keyed):
        r = record(lab, token)
        assert (r.sequence, r.used, r.cid) == (1, 100 + i, b"cid %d" % i)
        assert r.last_sync == lab.node.getblockcount() > r.minted
        assert [t["txid"] for t in lab.node.tickets("find", "snft-sync", token_text(token))] \
            == [tx.txid]


def test_sync_sequence_and_quota(lab, keyed):
    token, key = keyed[0]
    last = record(lab, token).sequence
    for sequence in {last, last - 1, 0}:
        lab.refused(sync_tx(lab, [lab.report(token, key, sequence, 1)]), "ticket-state-sequence")
    quota = record(lab, token).quota
    lab.refused(sync_tx(lab, [lab.report(token, key, last + 1, quota + 1)]),
                "ticket-state-above-quota")
    lab.accepted(sync_tx(lab, [lab.report(token, key, last + 1, quota)]))
    lab.accepted(sync_tx(lab, [lab.report(token, key, 2 ** 64 - 1, 0)]))
    lab.refused(sync_tx(lab, [lab.report(token, key, 0, 0)]), "ticket-state-sequence")


def test_sync_tokens(lab, keyed):
    (token, key), (other, other_key) = keyed[1:3]
    n = record(lab, token).sequence + 1
    twice = [lab.report(token, key, n, 1), lab.report(token, key, n + 1, 1)]
    lab.refused(sync_tx(lab, twice), "ticket-state-token-repeated")
    lab.refused(sync_tx(lab, [lab.report(bytes(32), key, n, 1)]), "ticket-state-token-unknown")
    bare, _ = mint(lab)
    lab.refused(sync_tx(lab, [lab.report(bare, key, n, 1)]), "ticket-state-token-without-key")
    lab.refused(sync_tx(lab, [lab.report(token, other_key, n, 1)]), "ticket-signature")
    good = lab.report(token, key, n, 1)
    good.used = 2       # altered after its owner signed
    lab.refused(sync_tx(lab, [good]), "ticket-signature")
    good = lab.report(token, key, n, 1)
    good.token = other
    lab.refused(sync_tx(lab, [good]), "ticket-signature")


def test_sync_quorum(lab, keyed):
    """At least two thirds, ranks rising, each by its own key over exactly this."""
    token, key = keyed[1]
    n = record(lab, token).sequence + 1
    report = [lab.report(token, key, n, 1)]
    size = len(lab.committee(lab.reference()[0]))
    assert size == 10
    for ranks in (range(6), [], [0, 1, 2, 3, 4, 5, 5], [1, 0, 2, 3, 4, 5, 6],
                  [0, 1, 2, 3, 4, 5, 10], [0] * 7):
        lab.refused(sync_tx(lab, report, ranks=list(ranks)), "ticket-quorum")
    lab.refused(sync_tx(lab, report, ranks=list(range(10)) + [10]), "ticket-malformed")
    t = lab.sync_ticket(report)
    t.values["quorum"][0] = (0, t.quorum[1][1])
    lab.refused(lab.carry(t, [lab.utxo()]), "ticket-signature")
    t = lab.sync_ticket(report)
    t.values["reports"] = [lab.report(token, key, n + 1, 1)]
    lab.refused(lab.carry(t, [lab.utxo()]), "ticket-signature")
    lab.accepted(sync_tx(lab, report, ranks=[0, 2, 3, 5, 6, 8, 9]))
    lab.accepted(sync_tx(lab, [lab.report(token, key, n + 1, 1)], ranks=range(10)))


def test_sync_list_sizes(lab):
    """1 to 64 reports."""
    lab.refused(sync_tx(lab, []), "ticket-malformed")
    key = btns_key("of nothing")
    reports = [lab.report(bytes([i]) * 32, key, 1, 1) for i in range(65)]
    lab.refused(sync_tx(lab, reports), "ticket-malformed")
    lab.refused(sync_tx(lab, reports[1:65]), "ticket-state-token-unknown")


def test_pending_sync_loses_its_key(lab, keyed):
    """A block gives the token another key: the pending report leaves."""
    key, new = btns_key("soon replaced"), btns_key("its successor")
    token, coin = mint(lab, key)
    pending = sync_tx(lab, [lab.report(token, key, 5, 5)])
    lab.node.sendrawtransaction(pending.hex())
    lab.judge.mine([register_tx(lab, token, [coin, lab.utxo()], new)])
    wait_until(lambda: lab.node.getrawmempool() == [])
    lab.wallet.rescan()


def test_syncs_of_one_token_conflict(lab, keyed):
    (token, key), (other, other_key) = keyed[1:3]
    n, m = record(lab, token).sequence, record(lab, other).sequence
    first = sync_tx(lab, [lab.report(token, key, n + 1, 1)])
    both = sync_tx(lab, [lab.report(other, other_key, m + 1, 1),
                         lab.report(token, key, n + 2, 1)])
    lab.node.sendrawtransaction(first.hex())
    expect_error(-26, "insufficient fee", lab.node.sendrawtransaction, both.hex())
    lab.judge.mine([both])
    wait_until(lambda: lab.node.getrawmempool() == [])
    lab.wallet.rescan()


def test_restart(lab):
    """Anchors are known after a restart and a rebuild: marks are kept or made anew."""
    token, coin = mint(lab)
    for options in ((), ("-reindex-chainstate",)):
        lab.node.stop()
        lab.node.start(*options)
        wait_until(lambda: lab.node.getbestblockhash() == lab.judge.chain.tip.hash)
        assert lab.node.getstateroot() == lab.judge.chain.root.hex()
    tx = mine_own(lab, move(lab, [coin], [lab.anchor()]))
    assert record(lab, token).anchor[:32] == tx.txid_bytes
