"""A regtest network with supernodes, and tickets of every kind made by hand: signed, paid
for and broken as a test wants them. Nothing here asks the node for a verdict or a hash.
"""
import struct

from . import ed25519, script, ticket
from .blocks import Chain, create_coinbase, create_block
from .ed448 import Key as Ed448
from .hashes import sha3
from .key import Key
from .primitives import Block, Tx, TxIn, TxOut
from .ticket import Ticket
from .util import wait_until
from .wallet import MiniWallet

COLLATERAL, ID_BURN = 1000, 10      # coins, on regtest
COMMITTEE_SIZE = 10
MEGABYTE = 1 << 20
MAX_MONEY = 2_100_000_000_000_000


class Supernode:
    """The keys of one, and what it says of itself."""

    def __init__(self, name, number):
        self.name = name
        self.pastelid = Ed448.from_seed("supernode " + name)
        self.operator = Key.from_seed("operator " + name)
        self.collateral_key = Key.from_seed("collateral " + name)
        self.collateral_script = script.p2tr(self.collateral_key.xonly)
        self.payout_script = script.p2wpkh(Key.from_seed("payout " + name).pubkey)
        self.endpoint = (bytes([1, 10, 0, number >> 8, number & 255])
                         + struct.pack("<H", 9933))
        self.storage_fee, self.sense_fee = 5000 + 100 * number, 2000 + 10 * number
        self.collateral = self.txid = None    # once it has them

    def registration(self, genesis, prevout):
        """The sn-register whose input 0 is prevout."""
        t = Ticket("sn-register", {
            "collateral": self.collateral, "pastelid": self.pastelid.public,
            "operator_key": self.operator.xonly, "payout_script": self.payout_script,
            "endpoint": self.endpoint, "storage_fee": self.storage_fee,
            "sense_fee": self.sense_fee, "opkey_sig": b"", "collateral_sig": b"",
            "operator_sig": b""})
        return self.sign(t, genesis, prevout)

    def sign(self, t, genesis, prevout):
        t.values["opkey_sig"] = self.operator.sign_schnorr(t.hash(genesis, "opkey_sig", prevout))
        t.values["collateral_sig"] = self.collateral_key.sign_schnorr(
            t.hash(genesis, "collateral_sig", prevout))
        t.values["operator_sig"] = self.pastelid.sign(t.hash(genesis, "operator_sig", prevout))
        return t


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
    """One node with supernodes that are registered and active, and an observer that never
    sees a transaction before its block."""

    def __init__(self, lab, supernodes=12, users=2, observer=True, args=()):
        self.node = lab.node(*args)
        self.observer = lab.node("-blocksonly") if observer else None
        self.params, self.coin = self.node.params, self.node.params.coin
        self.genesis = bytes.fromhex(self.node.getblockhash(0))[::-1]
        self.wallet = MiniWallet(self.node)
        self.users = [Ed448.from_seed(f"user {i}") for i in range(users)]
        self.user = self.users[0]
        self.supernodes = [Supernode(str(i), i) for i in range(supernodes)]
        self.registered = {}    # txid bytes -> (Supernode, height)
        self.coins = []
        if self.observer:
            self.node.connect(self.observer)
        self._fund()
        self._register_all()

    # -- coins --

    def _fund(self):
        self.wallet.generate(110)
        self.split(100)

    def split(self, count, value=None):
        """Confirmed coins of the same size for tickets to spend."""
        value = value or 100 * self.coin
        tx = self.wallet.create(extra_outputs=[TxOut(value, self.wallet.script_pubkey)
                                               for _ in range(count)],
                                utxos=self._enough(count * value + 10 * self.coin), fee=50_000)
        self.wallet.broadcast(tx)
        self.mine()

    def _enough(self, value):
        found = []
        while sum(u.value for u in found) < value:
            found.append(self.wallet.get_utxo(confirmed_only=True))
        return found

    def utxo(self):
        """A confirmed coin, not too large."""
        found = min((u for u in self.wallet.spendable(True) if u.value >= 50 * self.coin),
                    key=lambda u: (u.value, u.txid, u.vout))
        self.wallet.utxos.remove(found)
        return found

    def mine(self, count=1):
        return self.wallet.generate(count)

    # -- supernodes --

    def register_ids(self, keys, owner=None):
        for key in keys:
            u = self.utxo()
            t = Ticket("id", {"pastelid": key.public, "owner_sig": b"",
                              "owner_script": owner or self.wallet.script_pubkey})
            t.values["owner_sig"] = key.sign(t.hash(self.genesis, "owner_sig", prevout_bytes(u)))
            self.send(self.carry(t, [u], burn=ID_BURN * self.coin))

    def _register_all(self):
        self.register_ids([s.pastelid for s in self.supernodes] + self.users)
        outputs = [TxOut(COLLATERAL * self.coin, s.collateral_script) for s in self.supernodes]
        tx = self.wallet.create(
            utxos=self._enough(sum(o.value for o in outputs) + self.coin),
            extra_outputs=outputs, fee=20_000)
        self.send(tx)
        self.mine()
        for i, s in enumerate(self.supernodes):
            s.collateral = tx.txid_bytes + struct.pack("<I", 1 + i)
            self.register_supernode(s)
        self.mine(8)    # active, and in the committee six blocks below the tip

    def register_supernode(self, s):
        u = self.utxo()
        tx = self.carry(s.registration(self.genesis, prevout_bytes(u)), [u])
        self.send(tx)
        s.txid = tx.txid_bytes
        self.registered[s.txid] = (s, self.node.getblockcount() + 1)

    def committee(self, height):
        """The supernodes of a block's committee, best rank first."""
        block = bytes.fromhex(self.node.getblockhash(height))[::-1]
        active = [txid for txid, (_, since) in self.registered.items() if height - since >= 1]
        active.sort(key=lambda txid: (sha3(block + txid), txid))
        return [self.registered[txid][0] for txid in active[:COMMITTEE_SIZE]]

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

    def block_with(self, node, txs, spends=0):
        """A block on the tip with what its coinbase needs, as the node's template says."""
        template = node.getblocktemplate({"rules": ["segwit"]})
        height = template["height"]
        required = [TxOut(o["amount"], bytes.fromhex(o["script"]))
                    for o in template["coinbase_required_outputs"]]
        value = 0    # a coinbase may take less than it could
        coinbase = create_coinbase(self.params, height, value, outputs=required)
        return create_block(self.params, template["previousblockhash"], height,
                            max(template["mintime"], template["curtime"]), txs, coinbase)

    def refused(self, tx, reason, mempool_reason=None):
        """The mempool, a template, a block, and a node that sees nothing but the block say
        the same, and nothing changes."""
        root = self.node.getstateroot()
        verdict = self.node.testmempoolaccept([tx.hex()], 0)[0]
        assert verdict["allowed"] is False, "the mempool takes it"
        assert verdict["reject-reason"] == (mempool_reason or reason), verdict
        block = self.block_with(self.node, [tx])
        for node in filter(None, (self.node, self.observer)):
            self.sync()
            assert node.submitblock(block.hex()) == reason
            assert node.getstateroot() == root

    def accepted(self, tx, mine=True):
        """All of them take it; it is mined."""
        verdict = self.node.testmempoolaccept([tx.hex()], 0)[0]
        assert verdict["allowed"], verdict
        self.send(tx)
        template = self.node.getblocktemplate({"rules": ["segwit"]})
        assert tx.txid in [t["txid"] for t in template["transactions"]]
        if mine:
            self.mine()
            self.sync()
            assert self.node.tickets("get", tx.txid)["confirmations"] == 1
        return tx

    def sync(self):
        if self.observer:
            wait_until(lambda: self.observer.getbestblockhash() == self.node.getbestblockhash())
            assert self.observer.getstateroot() == self.node.getstateroot()

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
            own = {"file_hash": sha3(u.txid.encode()), "file_size": size, "ratio": ratio,
                   "redundancy": redundancy, "factor": f}
        else:
            shares = [s.sense_fee for s in members]
            median = 3 * lower_median([s.sense_fee for s in committee])
            own = {"image_hash": sha3(u.txid.encode())}
        paid = sum(shares)
        if burn is None:
            burn = least_burn(paid, median)
        values = {"request": sha3(b"request" + u.txid.encode()), "committee": ref,
                  "pastelid": user.public, "max_fee": paid + 1,
                  "sending_script": self.wallet.script_pubkey, "effective_fee": paid + burn,
                  "index_hash": sha3(b"index"), **own}
        for i, s in enumerate(members):
            values[f"sn{i}"], values[f"sig{i}"] = s.txid or bytes(32), bytes(114)
        t = Ticket(kind, {**values, "user_sig": bytes(114), **changes})
        if sign:
            self.sign_service(t, members, user, u)
        return t, shares, burn

    def sign_service(self, t, members, user, u):
        for i, s in enumerate(members):
            t.values[f"sig{i}"] = s.pastelid.sign(t.hash(self.genesis, f"sig{i}"))
        t.values["user_sig"] = user.sign(t.hash(self.genesis, "user_sig", prevout_bytes(u)))

    def service_tx(self, kind, u=None, members=None, payments=None, outputs=(), burn=None,
                   **kwargs):
        """A transaction with such a ticket that pays what is due."""
        u = u or self.utxo()
        chosen = members or self.committee(self.reference(kwargs.get("height"))[0])[:3]
        t, shares, least = self.service(kind, u, members, burn=burn, **kwargs)
        if payments is None:
            payments = [TxOut(v, s.payout_script) for v, s in zip(shares, chosen)]
        return self.carry(t, [u], least, [*payments, *outputs])

    # -- tokens --

    def space_price(self, height, octets):
        fees = [s.storage_fee for s in self.committee(height)]
        return price(lower_median(fees), factor(), octets)

    def space_payments(self, height, octets):
        each = self.space_price(height, octets)
        return [TxOut(each, s.payout_script) for s in self.committee(height)[:3]], \
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
        t.values["quorum"] = [(r, committee[r % len(committee)].operator.sign_schnorr(h))
                              for r in ranks]
        return t

    def report(self, token, key, sequence, used, cid=b"cid"):
        r = ticket.Report(token, sequence, used, cid)
        r.sig = key.sign(ticket.report_hash(self.genesis, r))
        return r


def btns_key(seed):
    return ed25519.Key.from_seed(seed)
