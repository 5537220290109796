"""Transactions and blocks."""
from copy import deepcopy
import struct

from .codec import DecodeError, Reader, compact_size, var_bytes, vector
from .hashes import hash256, merkle_root

SEQUENCE_FINAL = 0xffffffff
WITNESS_SCALE = 4
MAX_BLOCK_WEIGHT = 4_000_000
MAX_MONEY = 21 * 10 ** 14


def to_hex(hash_bytes):
    """Displayed order of a hash."""
    return hash_bytes[::-1].hex()


def from_hex(text):
    return bytes.fromhex(text)[::-1]


class OutPoint:
    def __init__(self, txid=bytes(32), n=0xffffffff):
        self.txid = from_hex(txid) if isinstance(txid, str) else txid
        self.n = n

    def serialize(self):
        return self.txid + struct.pack("<I", self.n)

    @classmethod
    def read(cls, r):
        return cls(r.hash(), r.u32())

    def __eq__(self, other):
        return self.serialize() == other.serialize()

    def __hash__(self):
        return hash(self.serialize())

    def __repr__(self):
        return f"{to_hex(self.txid)}:{self.n}"


class TxIn:
    def __init__(self, prevout=None, script_sig=b"", sequence=SEQUENCE_FINAL, witness=()):
        self.prevout = prevout or OutPoint()
        self.script_sig = script_sig
        self.sequence = sequence
        self.witness = list(witness)

    def serialize(self):
        return (self.prevout.serialize() + var_bytes(self.script_sig)
                + struct.pack("<I", self.sequence))

    @classmethod
    def read(cls, r):
        return cls(OutPoint.read(r), r.var_bytes(), r.u32())


class TxOut:
    def __init__(self, value=0, script_pubkey=b""):
        self.value = value
        self.script_pubkey = script_pubkey

    def serialize(self):
        return struct.pack("<q", self.value) + var_bytes(self.script_pubkey)

    @classmethod
    def read(cls, r):
        return cls(r.i64(), r.var_bytes())


class Tx:
    def __init__(self, vin=(), vout=(), version=2, locktime=0):
        self.version = version
        self.vin = list(vin)
        self.vout = list(vout)
        self.locktime = locktime

    def has_witness(self):
        return any(i.witness for i in self.vin)

    def serialize(self, witness=True):
        if witness and self.has_witness():
            return self._serialize_extended()
        return (struct.pack("<I", self.version & 0xffffffff) + vector(self.vin)
                + vector(self.vout) + struct.pack("<I", self.locktime))

    def _serialize_extended(self):
        stacks = b"".join(
            compact_size(len(i.witness)) + b"".join(map(var_bytes, i.witness))
            for i in self.vin)
        return (struct.pack("<I", self.version & 0xffffffff) + b"\x00\x01"
                + vector(self.vin) + vector(self.vout) + stacks
                + struct.pack("<I", self.locktime))

    @classmethod
    def read(cls, r):
        tx = cls(version=r.u32())
        if r.peek(1) == b"\x00" and r.peek(2) != b"\x00\x00":
            r.take(1)
            if r.u8() != 1:
                raise DecodeError("unknown transaction flags")
            tx.vin, tx.vout = r.vector(TxIn.read), r.vector(TxOut.read)
            for txin in tx.vin:
                txin.witness = r.vector(Reader.var_bytes)
            if not tx.has_witness():
                raise DecodeError("superfluous witness")
        else:
            tx.vin, tx.vout = r.vector(TxIn.read), r.vector(TxOut.read)
        tx.locktime = r.u32()
        return tx

    @classmethod
    def from_bytes(cls, data):
        r = Reader(data)
        tx = cls.read(r)
        r.end()
        return tx

    @classmethod
    def from_hex(cls, text):
        return cls.from_bytes(bytes.fromhex(text))

    def hex(self, witness=True):
        return self.serialize(witness).hex()

    @property
    def txid_bytes(self):
        return hash256(self.serialize(witness=False))

    @property
    def wtxid_bytes(self):
        return hash256(self.serialize())

    @property
    def txid(self):
        return to_hex(self.txid_bytes)

    @property
    def wtxid(self):
        return to_hex(self.wtxid_bytes)

    @property
    def weight(self):
        return 3 * len(self.serialize(witness=False)) + len(self.serialize())

    @property
    def vsize(self):
        return (self.weight + WITNESS_SCALE - 1) // WITNESS_SCALE

    def is_coinbase(self):
        return len(self.vin) == 1 and self.vin[0].prevout == OutPoint()

    def copy(self):
        return deepcopy(self)

    def __repr__(self):
        return f"Tx({self.txid})"


class Header:
    SIZE = 80

    def __init__(self, version=0x20000000, prev=bytes(32), merkle=bytes(32), time=0,
                 bits=0x207fffff, nonce=0):
        self.version = version
        self.prev = from_hex(prev) if isinstance(prev, str) else prev
        self.merkle = merkle
        self.time = time
        self.bits = bits
        self.nonce = nonce

    def serialize_header(self):
        return (struct.pack("<i", self.version) + self.prev + self.merkle
                + struct.pack("<III", self.time, self.bits, self.nonce))

    def serialize(self):
        return self.serialize_header()

    @classmethod
    def read(cls, r):
        head = cls()
        head._read_header(r)
        return head

    def _read_header(self, r):
        self.version, self.prev, self.merkle = r.i32(), r.hash(), r.hash()
        self.time, self.bits, self.nonce = r.u32(), r.u32(), r.u32()

    @property
    def hash_bytes(self):
        return hash256(self.serialize_header())

    @property
    def hash(self):
        return to_hex(self.hash_bytes)

    def target(self):
        return (self.bits & 0xffffff) << 8 * ((self.bits >> 24) - 3)

    def meets_target(self):
        return int.from_bytes(self.hash_bytes, "little") <= self.target()

    def solve(self):
        while not self.meets_target():
            self.nonce += 1
        return self


class Block(Header):
    def __init__(self, *args, txs=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.txs = list(txs)

    def serialize(self, witness=True):
        return (self.serialize_header() + compact_size(len(self.txs))
                + b"".join(t.serialize(witness) for t in self.txs))

    @classmethod
    def read(cls, r):
        block = cls()
        block._read_header(r)
        block.txs = r.vector(Tx.read)
        return block

    @classmethod
    def from_bytes(cls, data):
        r = Reader(data)
        block = cls.read(r)
        r.end()
        return block

    @classmethod
    def from_hex(cls, text):
        return cls.from_bytes(bytes.fromhex(text))

    def hex(self):
        return self.serialize().hex()

    def header(self):
        return Header.read(Reader(self.serialize_header()))

    def calc_merkle(self):
        return merkle_root([t.txid_bytes for t in self.txs])

    def calc_witness_merkle(self):
        return merkle_root([bytes(32)] + [t.wtxid_bytes for t in self.txs[1:]])

    @property
    def weight(self):
        return 3 * len(self.serialize(witness=False)) + len(self.serialize())

    def copy(self):
        return deepcopy(self)
