"""Supernodes in the model of the ticket state (doc/spec/supernodes.md): records, the payee,
committees, and what the tickets of supernodes change. Checks nothing."""
import struct
from dataclasses import dataclass

from . import ticket
from .codec import Reader, var_bytes
from .hashes import sha3

ACTIVATION_DEPTH = 1        # regtest
COMMITTEE_SIZE = 10
PENALTY, BAN_AT, PENALTY_BLOCKS = 40, 100, 12


@dataclass
class Supernode:
    """The record "s" sn."""
    pastelid: bytes
    collateral: bytes
    operator_key: bytes
    payout_script: bytes
    endpoint: bytes
    storage_fee: int
    sense_fee: int
    registered: int
    last_paid: int = 0
    queued: int = 0
    penalty: int = 0
    penalty_height: int = 0
    penalty_H: int = 0
    banned: int = 0

    @classmethod
    def read(cls, raw):
        r = Reader(raw)
        record = cls(r.take(57), r.take(36), r.take(32), r.var_bytes(),
                     ticket.TYPES["endpoint"][0](r), r.u64(), r.u64(), r.u32(), r.u32(),
                     r.u32(), r.u16(), r.u32(), r.u32(), r.u8())
        r.end()
        return record

    def serialize(self):
        return (self.pastelid + self.collateral + self.operator_key
                + var_bytes(self.payout_script) + self.endpoint
                + struct.pack("<QQIIIHIIB", self.storage_fee, self.sense_fee,
                              self.registered, self.last_paid, self.queued, self.penalty,
                              self.penalty_height, self.penalty_H, self.banned))

    def names(self):
        return [b"c" + self.collateral, b"o" + self.pastelid, b"k" + self.operator_key,
                b"e" + self.endpoint]

    def active(self, height):
        return not self.banned and height - self.registered >= ACTIVATION_DEPTH

    def turn(self):
        return max(self.last_paid, self.registered, self.queued)

    def member(self, sn):
        return (sn + self.pastelid + self.operator_key + var_bytes(self.payout_script)
                + struct.pack("<QQ", self.storage_fee, self.sense_fee))


def get(st, sn):
    raw = st.get(b"s" + sn)
    return Supernode.read(raw) if raw is not None else None


def put(st, sn, record):
    st.put(b"s" + sn, record.serialize())
    for name in record.names():
        st.put(name, sn)


def leave(st, sn):
    for name in get(st, sn).names():
        st.delete(name)
    st.delete(b"s" + sn)


def all_of(st):
    return [(key[1:], Supernode.read(raw)) for key, raw in st.values.items()
            if key[:1] == b"s"]


def payee(st, height):
    """(sn, record) that the block after height pays, or None."""
    due = sorted((r.turn(), sn, r) for sn, r in all_of(st) if r.active(height))
    return due[0][1:] if due else None


def committee(st, block_hash, height):
    """[(sn, record)] in order of rank."""
    lots = sorted((sha3(block_hash + sn), sn, r) for sn, r in all_of(st)
                  if r.active(height))
    return [(sn, r) for _, sn, r in lots[:COMMITTEE_SIZE]]


def committee_value(st, block_hash, height):
    members = committee(st, block_hash, height)
    return block_hash + bytes([len(members)]) + b"".join(r.member(sn) for sn, r in members)


# --- what transactions and tickets change ---

def leave_spent(st, tx, height):
    for vin in tx.vin:
        sn = st.get(b"c" + vin.prevout.serialize())
        if sn is not None:
            leave(st, sn)


def leave_revoked(st, pastelid):
    sn = st.get(b"o" + pastelid)
    if sn is not None:
        leave(st, sn)


def register(st, t, tx, height):
    put(st, tx.txid_bytes, Supernode(t.pastelid, t.collateral, t.operator_key,
                                     t.payout_script, t.endpoint, t.storage_fee,
                                     t.sense_fee, height))
    key = b"i" + t.pastelid
    old = st.get(key)
    st.put(key, old[:-1] + bytes([old[-1] | ticket.FLAG_HAD_SUPERNODE]))


def update(st, t, tx, height):
    record = get(st, t.sn)
    leave(st, t.sn)
    record.operator_key, record.payout_script = t.operator_key, t.payout_script
    record.endpoint = t.endpoint
    record.storage_fee, record.sense_fee = t.storage_fee, t.sense_fee
    if record.banned:
        record.banned, record.penalty, record.queued = 0, 0, height
    put(st, t.sn, record)


def revoke(st, t, tx, height):
    leave(st, t.sn)


def penalise(st, t, tx, height):
    record = get(st, t.sn)
    left = max(0, record.penalty - (height - record.penalty_height) // PENALTY_BLOCKS)
    record.penalty = left + PENALTY
    record.penalty_height = height
    record.penalty_H = struct.unpack_from("<I", t.committee)[0]
    if record.penalty >= BAN_AT:
        record.banned = 1
        st.put(b"x", struct.pack("<I", height))
    put(st, t.sn, record)


def pay(st, sn, height):
    record = get(st, sn)
    if record is not None:
        record.last_paid = height
        put(st, sn, record)
