"""The ticket state after a block: what consensus says (doc/spec), computed by the tests
without a node. A model of what valid blocks do; it checks nothing.

KINDS says what each kind of ticket changes: fn(state, ticket, tx, height). BEFORE are the
steps that every transaction takes before its ticket, for its inputs: fn(state, tx, height).
AFTER are those at the end of a block: fn(state, block, height).
"""
import struct

from . import state, supernodes, ticket
from .codec import Reader, var_bytes

COMMITTEES_KEPT = 1000
MAX_SCRIPT_SIZE = 10000


class State:
    """A map of keys and values with its tree; a new one for each block."""

    def __init__(self, tree=state.EMPTY, values=None):
        self.tree = tree
        self.values = values or {}

    def root(self):
        return state.root(self.tree)

    def get(self, key):
        return self.values.get(key)

    def put(self, key, value):
        self.tree = state.put(self.tree, key, value)
        self.values[key] = value

    def delete(self, key):
        if key in self.values:
            self.tree = state.delete(self.tree, key)
            del self.values[key]

    def after(self, block, height, ticketsheight=1):
        """The state one block later."""
        new = State(self.tree, dict(self.values))
        if height >= ticketsheight:
            payee = supernodes.payee(new, height - 1)
            for tx in block.txs[1:]:
                apply_tx(new, tx, height)
            if payee is not None:
                supernodes.pay(new, payee[0], height)
            for step in AFTER:
                step(new, block, height)
        return new


def apply_tx(st, tx, height):
    for step in BEFORE:
        step(st, tx, height)
    found = ticket.find(tx)
    if found is None:
        return
    value, t = found
    KINDS[t.kind](st, t, tx, height)
    if value:
        burn(st, ticket.KIND_IDS[t.kind], value)


def burn(st, kind, value):
    raw = st.get(b"B")
    sums = {}
    if raw:
        for i in range(raw[8]):
            k, v = struct.unpack_from("<BQ", raw, 9 + 9 * i)
            sums[k] = v
    sums[kind] = sums.get(kind, 0) + value
    st.put(b"B", struct.pack("<QB", sum(sums.values()), len(sums))
           + b"".join(struct.pack("<BQ", k, sums[k]) for k in sorted(sums)))


# --- identities ---

def put_id(st, t, tx, height):
    st.put(b"i" + t.pastelid, struct.pack("<I", height) + var_bytes(t.owner_script) + b"\x00")


def revoke_id(st, t, tx, height):
    key = b"i" + t.pastelid
    old = st.get(key)
    st.put(key, old[:-1] + bytes([old[-1] | ticket.FLAG_REVOKED]))
    supernodes.leave_revoked(st, t.pastelid)


# --- requests ---

def put_request(st, t, tx, height):
    st.put(b"r" + t.pastelid + t.request,
           bytes([ticket.KIND_IDS[t.kind]]) + txid(tx) + struct.pack("<I", height))


# --- tokens ---

class Token:
    FIELDS = ["anchor", "name", "quota", "btns_key", "meta_cid", "minted", "last_sync",
              "sequence", "used", "cid"]

    def __init__(self, *values):
        for name, value in zip(self.FIELDS, values):
            setattr(self, name, value)

    @classmethod
    def read(cls, raw):
        r = Reader(raw)
        token = cls(r.take(36), r.var_bytes(), r.u64(), r.var_bytes(), r.var_bytes(), r.u32(),
                    r.u32(), r.u64(), r.u64(), r.var_bytes())
        r.end()
        return token

    def serialize(self):
        return (self.anchor + var_bytes(self.name) + struct.pack("<Q", self.quota)
                + var_bytes(self.btns_key) + var_bytes(self.meta_cid)
                + struct.pack("<IIQQ", self.minted, self.last_sync, self.sequence, self.used)
                + var_bytes(self.cid))


def get_token(st, token):
    raw = st.get(b"n" + token)
    return Token.read(raw) if raw is not None else None


def put_token(st, token, record):
    st.put(b"n" + token, record.serialize())


def txid(tx):
    return tx.txid_bytes


def spendable(out):
    return out.script_pubkey[:1] != b"\x6a" and len(out.script_pubkey) <= MAX_SCRIPT_SIZE


def outpoint_bytes(prevout):
    return prevout.serialize()


def move_tokens(st, tx, height):
    """Tokens of the inputs go to spendable outputs in order; those left over end."""
    places = iter([n for n, out in enumerate(tx.vout) if spendable(out)])
    for vin in tx.vin:
        old = b"a" + outpoint_bytes(vin.prevout)
        token = st.get(old)
        if token is None:
            continue
        record = get_token(st, token)
        st.delete(old)
        place = next(places, None)
        if place is not None:
            record.anchor = txid(tx) + struct.pack("<I", place)
            put_token(st, token, record)
            st.put(b"a" + record.anchor, token)
            continue
        st.delete(b"n" + token)
        if record.btns_key:
            st.delete(b"b" + record.btns_key)


def mint(st, t, tx, height):
    token = txid(tx)
    anchor = token + struct.pack("<I", t.anchor)
    put_token(st, token, Token(anchor, t.name, t.quota, t.btns_key, t.meta_cid, height, height,
                               0, 0, b""))
    st.put(b"a" + anchor, token)
    if t.btns_key:
        st.put(b"b" + t.btns_key, token)


def register_key(st, t, tx, height):
    record = get_token(st, t.token)
    if record.btns_key:
        st.delete(b"b" + record.btns_key)
    record.btns_key, record.sequence, record.cid = t.btns_key, 0, b""
    put_token(st, t.token, record)
    st.put(b"b" + t.btns_key, t.token)


def upgrade(st, t, tx, height):
    record = get_token(st, t.token)
    record.quota = t.quota
    put_token(st, t.token, record)


def sync(st, t, tx, height):
    for report in t.reports:
        record = get_token(st, report.token)
        record.sequence, record.used, record.cid = report.sequence, report.used, report.cid
        record.last_sync = height
        put_token(st, report.token, record)


# --- blocks ---

def drop_old_committee(st, block, height):
    if height > COMMITTEES_KEPT:
        st.delete(b"t" + struct.pack(">I", height - COMMITTEES_KEPT))


def put_committee(st, block, height):
    st.put(b"t" + struct.pack(">I", height),
           supernodes.committee_value(st, block.hash_bytes, height))


KINDS = {
    "id": put_id,
    "id-revoke": revoke_id,
    "sn-register": supernodes.register,
    "sn-update": supernodes.update,
    "sn-revoke": supernodes.revoke,
    "sn-penalty": supernodes.penalise,
    "storage": put_request,
    "sense": put_request,
    "snft-mint": mint,
    "snft-register": register_key,
    "snft-upgrade": upgrade,
    "snft-sync": sync,
}
BEFORE = [supernodes.leave_spent, move_tokens]
AFTER = [drop_old_committee, put_committee]
