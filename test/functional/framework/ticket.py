"""Ticket carriers built and read by hand (doc/spec/tickets.md): every kind as a table of
fields, and the hashes that roles sign."""
import struct
from dataclasses import dataclass, field

from .address import base58check_decode, base58check_encode
from .codec import DecodeError, Reader, compact_size, var_bytes
from .hashes import sha3
from .script import push

MAGIC = b"OCHR"
VERSION = 1
KIND_ID = 0x01
KIND_ID_REVOKE = 0x06
FLAG_REVOKED = 1
FLAG_HAD_SUPERNODE = 2
ED448_KEY, ED448_SIG = 57, 114
PASTELID_PREFIX = bytes.fromhex("a1de")

# --- fields: name -> (read from a Reader, write a value) ---


def _fixed(n):
    def write(value):
        assert len(value) == n
        return bytes(value)
    return lambda r: r.take(n), write


def _var(most):
    def read(r):
        value = r.var_bytes()
        if len(value) > most:
            raise DecodeError(f"{len(value)} bytes where {most} are the most")
        return value
    return read, var_bytes


def _int(fmt):
    return (lambda r: struct.unpack(fmt, r.take(struct.calcsize(fmt)))[0],
            lambda value: struct.pack(fmt, value))


ENDPOINT_SIZES = {1: 4, 2: 16, 4: 32, 5: 32, 6: 16}


def _read_endpoint(r):
    network = r.take(1)
    if network[0] not in ENDPOINT_SIZES:
        raise DecodeError("unknown network of an endpoint")
    return network + r.take(ENDPOINT_SIZES[network[0]] + 2)


def _read_reports(r):
    return [Report(r.take(32), r.u64(), r.u64(), r.var_bytes(), r.take(64))
            for _ in range(r.compact_size())]


def _read_quorum(r):
    return [(r.u8(), r.take(64)) for _ in range(r.compact_size())]


@dataclass
class Report:
    """One token's usage in an snft-sync."""
    token: bytes
    sequence: int
    used: int
    cid: bytes
    sig: bytes = bytes(64)

    def message(self):
        return self.token + struct.pack("<QQ", self.sequence, self.used) + var_bytes(self.cid)

    def serialize(self):
        return self.message() + self.sig


TYPES = {
    "pastelid": _fixed(ED448_KEY), "hash": _fixed(32), "sig448": _fixed(ED448_SIG),
    "sig64": _fixed(64), "outpoint": _fixed(36), "committee": _fixed(36),
    "script": _var(42), "var32": _var(32), "var64": _var(64), "var65": _var(65),
    "u8": _int("<B"), "u16": _int("<H"), "u32": _int("<I"), "u64": _int("<Q"),
    "endpoint": (_read_endpoint, bytes),
    "reports": (_read_reports,
                lambda v: compact_size(len(v)) + b"".join(x.serialize() for x in v)),
    "quorum": (_read_quorum,
               lambda v: compact_size(len(v)) + b"".join(bytes([i]) + s for i, s in v)),
}

_SERVICE = [("sending_script", "script"), ("effective_fee", "u64"), ("index_hash", "hash"),
            ("sn0", "hash"), ("sn1", "hash"), ("sn2", "hash"),
            ("sig0", "sig448", "sn"), ("sig1", "sig448", "sn"), ("sig2", "sig448", "sn"),
            ("user_sig", "sig448", "user")]
_SN = [("operator_key", "hash"), ("payout_script", "script"), ("endpoint", "endpoint"),
       ("storage_fee", "u64"), ("sense_fee", "u64"), ("opkey_sig", "var64", "opkey"),
       ("collateral_sig", "var65", "collateral"), ("operator_sig", "sig448", "operator")]

# id: (name, fields); a field with a role is a signature
KINDS = {
    0x01: ("id", [("pastelid", "pastelid"), ("owner_script", "script"),
                  ("owner_sig", "sig448", "owner")]),
    0x02: ("sn-register", [("collateral", "outpoint"), ("pastelid", "pastelid"), *_SN]),
    0x03: ("sn-update", [("sn", "hash"), *_SN]),
    0x04: ("sn-revoke", [("sn", "hash"), ("reason", "u8"),
                         ("operator_sig", "sig448", "operator")]),
    0x05: ("sn-penalty", [("sn", "hash"), ("committee", "committee"), ("reason", "u8"),
                          ("evidence", "hash"), ("quorum", "quorum", "quorum")]),
    0x06: ("id-revoke", [("pastelid", "pastelid")]),
    0x10: ("storage", [("request", "hash"), ("committee", "committee"),
                       ("pastelid", "pastelid"), ("file_hash", "hash"),
                       ("file_size", "u64"), ("max_fee", "u64"), ("ratio", "u32"),
                       ("redundancy", "u16"), ("factor", "u64"), *_SERVICE]),
    0x11: ("sense", [("request", "hash"), ("committee", "committee"),
                     ("pastelid", "pastelid"), ("image_hash", "hash"),
                     ("max_fee", "u64"), *_SERVICE]),
    0x20: ("snft-mint", [("committee", "committee"), ("name", "var64"), ("quota", "u64"),
                         ("anchor", "u16"), ("btns_key", "var32"), ("meta_cid", "var64"),
                         ("btns_sig", "var64", "btns")]),
    0x21: ("snft-register", [("token", "hash"), ("btns_key", "hash"),
                             ("btns_sig", "sig64", "btns")]),
    0x22: ("snft-upgrade", [("token", "hash"), ("committee", "committee"),
                            ("quota", "u64")]),
    0x23: ("snft-sync", [("committee", "committee"), ("reports", "reports"),
                         ("quorum", "quorum", "quorum")]),
}
KIND_IDS = {name: kind for kind, (name, _) in KINDS.items()}
# roles whose message begins with the outpoint of input 0
WITH_OUTPOINT = {"owner", "operator", "user", "collateral", "btns", "opkey"}


@dataclass
class Ticket:
    """A ticket as a kind's name and its values by field."""
    kind: str
    values: dict = field(default_factory=dict)

    def __getattr__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def fields(self):
        return KINDS[KIND_IDS[self.kind]][1]

    def payload(self, until=None):
        """All bytes, or those in front of the field `until`."""
        out = MAGIC + bytes([VERSION, KIND_IDS[self.kind]])
        for name, kind, *_ in self.fields:
            if name == until:
                return out
            out += TYPES[kind][1](self.values[name])
        return out

    def body(self):
        """Up to the first signature."""
        return self.payload(next((f[0] for f in self.fields if len(f) > 2), None))

    def role_of(self, name):
        return next(f[2] for f in self.fields if f[0] == name)

    def message(self, name, outpoint):
        """What the signer of this field signs, before TH: storage's and sense's user and
        every quorum sign all that stands before, others the body."""
        role = self.role_of(name)
        m = self.payload(until=name) if role in ("user", "quorum") else self.body()
        return (outpoint if role in WITH_OUTPOINT else b"") + m

    def hash(self, genesis, name, outpoint=b""):
        return ticket_hash(genesis, f"ochre/{self.kind}/{self.role_of(name)}",
                           self.message(name, outpoint))


def decode(payload):
    """The Ticket of a known payload; DecodeError when it is malformed, None when unknown."""
    if payload[4] != VERSION or payload[5] not in KINDS:
        return None
    name, fields = KINDS[payload[5]]
    r = Reader(payload)
    r.take(6)
    values = {f[0]: TYPES[f[1]][0](r) for f in fields}
    r.end()
    return Ticket(name, values)


def ticket_hash(genesis, tag, message):
    """TH of doc/spec/tickets.md, 1; genesis is the hash as serialised."""
    t = sha3(tag.encode())
    return sha3(t + t + genesis + message)


def report_hash(genesis, report):
    return ticket_hash(genesis, "ochre/snft-sync/record", report.message())


# --- PastelIDs and carriers ---


def pastelid_text(key):
    return base58check_encode(PASTELID_PREFIX + key)


def pastelid_key(text):
    raw = base58check_decode(text)
    if raw[:2] != PASTELID_PREFIX or len(raw) != 2 + ED448_KEY:
        raise ValueError("not a PastelID")
    return raw[2:]


def carrier(payload):
    """The output script of a payload: OP_RETURN and one minimal push."""
    return b"\x6a" + push(payload)


def payload_of(script_pubkey):
    """The payload when the script is a carrier, else None."""
    if script_pubkey[:1] != b"\x6a" or len(script_pubkey) < 2:
        return None
    r = Reader(script_pubkey[1:])
    op = r.u8()
    try:
        if 1 <= op <= 0x4b:
            data = r.take(op)
        elif op in (0x4c, 0x4d):
            data = r.take(r.u8() if op == 0x4c else r.u16())
        else:
            return None
        r.end()
    except DecodeError:
        return None
    if push(data) != script_pubkey[1:] or not 6 <= len(data) <= 16384:
        return None
    return data if data[:4] == MAGIC else None


def find(tx):
    """(value, Ticket) of a transaction's known ticket, or None."""
    for out in tx.vout:
        payload = payload_of(out.script_pubkey)
        if payload:
            t = decode(payload)
            if t is not None:
                return out.value, t
    return None
