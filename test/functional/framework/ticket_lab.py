"""Tickets of storage, Sense and storage NFTs made by hand: signed, paid for and broken as a
test wants them. Nothing here asks the node for a verdict or a hash.
"""
import struct

from . import ed25519, operators, supernodes, ticket
from .ed448 import Key as Ed448
from .hashes import sha3
from .primitives import Tx, TxIn, TxOut
from .ticket import Ticket
from .verdict import Judge
from .wallet import MiniWallet

MEGABYTE = 1 << 20
MAX_MONEY = 2_100_000_000_000_000


# --- fees (doc/spec/tickets.md) ---

def factor(ratio=12000, redundancy=6):
    return max(50000, ratio * redundancy * 10 ** 6 // 72000)


def price(fee, factor_, size):
    return max(1000, -(-fee * factor_ * size // (10 ** 6 * MEGABYTE)))


def lower_median(values):
    return sorted(values)[(len(values) - 1) // 2]


def least_burn(paid, median):
    return max(100_000, -(-max(paid, median) // 5))


def prevout_bytes(utxo):
    return utxo.outpoint.serialize()


class TicketLab:
    """A node with supernodes that are registered and active, and one that never sees a
    transaction before its block."""

    def __init__(self, lab, count=12, args=()):
        self.node = lab.node(*args)
        self.params, self.coin = self.node.params, self.node.params.coin
        self.genesis = bytes.fromhex(self.node.getblockhash(0))[::-1]
        self.wallet = MiniWallet(self.node)
        self.taken = {}
        self.wallet.generate(130)
        self.users = [Ed448.from_seed(f"user {i}") for i in range(2)]
        self.user = self.users[0]
        self.operators = [operators.Operator(self.genesis, f"lab{i}") for i in range(count)]
        self._start()
        self.judge = Judge(self.node, lab.node(*args))

    def _start(self):
        operators.split(self.wallet, 60)
        operators.fund_collaterals(self.wallet, self.operators)
        operators.register_ids(self.wallet, self.operators)
        for key in self.users:
            self.register_id(key)
        self.mine()
        for i, o in enumerate(self.operators):
            o.storage_fee, o.sense_fee = 5000 + 100 * i, 2000 + 10 * i
            operators.register(self.wallet, [o], storage_fee=o.storage_fee,
                               sense_fee=o.sense_fee)
        self.mine(9)    # active, and in the committee six blocks below the tip

    def register_id(self, key, owner=None):
        u = self.utxo()
        t = Ticket("id", {"pastelid": key.public, "owner_sig": b"",
                          "owner_script": owner or self.wallet.script_pubkey})
        t.values["owner_sig"] = key.sign(t.hash(self.genesis, "owner_sig", prevout_bytes(u)))
        return self.send(self.carry(t, [u], burn=operators.ID_BURN))

    def utxo(self):
        """A confirmed coin."""
        u = self.wallet.get_utxo(confirmed_only=True)
        self.taken[u.outpoint.serialize()] = u
        return u

    def mine(self, count=1):
        return self.wallet.generate(count)

    def committee(self, height):
        """The operators of a block's committee, best rank first, with the fees of then, as
        the model has them."""
        state = self.judge.sync().states[height]
        block = self.judge.chain.blocks[height].hash_bytes
        by_sn = {o.sn: o for o in self.operators}
        members = supernodes.committee(state, block, height)
        for sn, r in members:
            by_sn[sn].storage_fee, by_sn[sn].sense_fee = r.storage_fee, r.sense_fee
        return [by_sn[sn] for sn, _ in members]

    def reference(self, height=None):
        """(height, the 36 bytes that name it) of a committee."""
        if height is None:
            height = self.node.getblockcount() - 6
        block = bytes.fromhex(self.node.getblockhash(height))[::-1]
        return height, struct.pack("<I", height) + block

    # -- transactions --

    def carry(self, t, utxos, burn=0, outputs=(), fee=None, first=(), sequence=0xfffffffd,
              change=True):
        """A signed transaction: `first`, the carrier, `outputs`, and the change."""
        payload = t if isinstance(t, bytes) else t.payload()
        vout = [*first, TxOut(burn, ticket.carrier(payload)), *outputs]
        if change:
            vout.append(TxOut(0, self.wallet.script_pubkey))
        tx = Tx([TxIn(u.outpoint, sequence=sequence) for u in utxos], vout, 2, 0)
        total = sum(u.value for u in utxos) - sum(o.value for o in vout)
        if fee is None:
            fee = 2 * self.wallet.sign(tx.copy()).vsize
        if change:
            vout[-1].value = total - fee
            assert total > fee, "the coins are not enough"
        return self.wallet.sign(tx)

    def send(self, tx):
        self.wallet.broadcast(tx, maxfeerate=0, maxburnamount=0)
        return tx

    # -- verdicts --

    def refused(self, tx, reason):
        self.judge.refused(tx, reason)
        for vin in tx.vin:      # its coins are there for the next
            u = self.taken.pop(vin.prevout.serialize(), None)
            if u is not None:
                self.wallet.utxos.append(u)

    def accepted(self, tx):
        self.judge.accepted(tx)
        self.wallet.scan_blocks([self.node.getbestblockhash()])
        assert self.node.tickets("get", tx.txid)["confirmations"] == 1
        return tx

    # -- storage and sense --

    def service(self, kind, u, members=None, height=None, user=None, burn=None, sign=True,
                **changes):
        """(Ticket, shares, burn): a storage or sense ticket for a transaction whose input 0
        is u. `changes` replace fields before anybody signs."""
        user = user or self.user
        height, ref = self.reference(height)
        committee = self.committee(height)
        members = members or committee[:3]
        size = changes.get("file_size", 3 * MEGABYTE)
        if kind == "storage":
            ratio, redundancy = changes.get("ratio", 12000), changes.get("redundancy", 6)
            f = factor(ratio, redundancy)
            shares = [price(s.storage_fee, f, size) for s in members]
            median = 3 * price(lower_median([s.storage_fee for s in committee]), f, size)
            own = {"file_hash": sha3(prevout_bytes(u)), "file_size": size, "ratio": ratio,
                   "redundancy": redundancy, "factor": f}
        else:
            shares = [s.sense_fee for s in members]
            median = 3 * lower_median([s.sense_fee for s in committee])
            own = {"image_hash": sha3(prevout_bytes(u))}
        paid = sum(shares)
        if burn is None:
            burn = least_burn(paid, median)
        values = {"request": sha3(b"request" + prevout_bytes(u)), "committee": ref,
                  "pastelid": user.public, "max_fee": paid + 1,
                  "sending_script": self.wallet.script_pubkey, "effective_fee": paid + burn,
                  "index_hash": sha3(b"index"), **own}
        for i, s in enumerate(members):
            values[f"sn{i}"], values[f"sig{i}"] = s.sn or bytes(32), bytes(114)
        t = Ticket(kind, {**values, "user_sig": bytes(114), **changes})
        if sign:
            self.sign_service(t, members, user, u)
        return t, shares, burn

    def sign_service(self, t, members, user, u):
        for i, s in enumerate(members):
            t.values[f"sig{i}"] = s.id.sign(t.hash(self.genesis, f"sig{i}"))
        t.values["user_sig"] = user.sign(t.hash(self.genesis, "user_sig", prevout_bytes(u)))

    def service_tx(self, kind, u=None, members=None, payments=None, outputs=(), burn=None,
                   **kwargs):
        """A transaction with such a ticket that pays what is due."""
        u = u or self.utxo()
        chosen = members or self.committee(self.reference(kwargs.get("height"))[0])[:3]
        t, shares, least = self.service(kind, u, members, burn=burn, **kwargs)
        if payments is None:
            payments = [TxOut(v, s.payout) for v, s in zip(shares, chosen)]
        return self.carry(t, [u], least, [*payments, *outputs])

    # -- tokens --

    def space_price(self, height, octets):
        fees = [s.storage_fee for s in self.committee(height)]
        return price(lower_median(fees), factor(), octets)

    def space_payments(self, height, octets):
        each = self.space_price(height, octets)
        return [TxOut(each, s.payout) for s in self.committee(height)[:3]], \
            least_burn(3 * each, 3 * each)

    def mint(self, u, key=None, height=None, **changes):
        """A snft-mint for a transaction whose input 0 is u."""
        height, ref = self.reference(height)
        t = Ticket("snft-mint", {"committee": ref, "name": "a token".encode(),
                                 "quota": 10 * MEGABYTE, "anchor": 0,
                                 "btns_key": key.public if key else b"", "meta_cid": b"",
                                 "btns_sig": b"", **changes})
        if key and "btns_sig" not in changes:
            t.values["btns_sig"] = key.sign(t.hash(self.genesis, "btns_sig", prevout_bytes(u)))
        return t

    def anchor(self, value=1000, script_pubkey=None):
        return TxOut(value, script_pubkey or self.wallet.script_pubkey)

    def mint_tx(self, u=None, key=None, payments=None, burn=None, anchors=1, height=None,
                **changes):
        """Anchors stand first, then the carrier, payments and change."""
        u = u or self.utxo()
        t = self.mint(u, key, height, **changes)
        due, least = self.space_payments(self.reference(height)[0], t.quota)
        return self.carry(t, [u], least if burn is None else burn,
                          due if payments is None else payments,
                          first=[self.anchor() for _ in range(anchors)])

    def new_token(self, key=None, **changes):
        """Mints and mines; returns (token, the coin that is its anchor)."""
        tx = self.mint_tx(key=key, **changes)
        self.send(tx)
        self.mine()
        return tx.txid_bytes, self.take(tx.txid, changes.get("anchor", 0))

    def take(self, txid, vout):
        """Out of the coins that others may be given."""
        return self.wallet.get_utxo(txid=txid, vout=vout)

    def sync_ticket(self, reports, height=None, ranks=None, **changes):
        """An snft-sync signed by members of these ranks (default: as many as are needed)."""
        height, ref = self.reference(height)
        committee = self.committee(height)
        if ranks is None:
            ranks = range(-(-2 * len(committee) // 3))
        t = Ticket("snft-sync", {"committee": ref, "reports": reports, "quorum": [], **changes})
        h = t.hash(self.genesis, "quorum")
        t.values["quorum"] = [(r, committee[r % len(committee)].opkey.sign_schnorr(h))
                              for r in ranks]
        return t

    def report(self, token, key, sequence, used, cid=b"cid"):
        r = ticket.Report(token, sequence, used, cid)
        r.sig = key.sign(ticket.report_hash(self.genesis, r))
        return r


def btns_key(seed):
    return ed25519.Key.from_seed(seed)
