"""Ticket carriers built and read by hand (doc/spec, the carrier and kinds)."""
from dataclasses import dataclass

from .address import base58check_decode, base58check_encode
from .codec import DecodeError, Reader, var_bytes
from .script import push

MAGIC = b"OCHR"
VERSION = 1
KIND_ID = 0x01
KIND_ID_REVOKE = 0x06
FLAG_REVOKED = 1
ED448_KEY, ED448_SIG = 57, 114
PASTELID_PREFIX = bytes.fromhex("a1de")


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
    """(value, payload) of a transaction's known ticket, or None."""
    for out in tx.vout:
        payload = payload_of(out.script_pubkey)
        if payload and payload[4] == VERSION and payload[5] in (KIND_ID, KIND_ID_REVOKE):
            return out.value, payload
    return None


@dataclass
class IdTicket:
    pastelid: bytes
    owner_script: bytes
    owner_sig: bytes

    def payload(self):
        return (MAGIC + bytes([VERSION, KIND_ID]) + self.pastelid
                + var_bytes(self.owner_script) + self.owner_sig)


def revoke_payload(pastelid):
    return MAGIC + bytes([VERSION, KIND_ID_REVOKE]) + pastelid


def decode_id(payload):
    r = Reader(payload)
    if r.take(6) != MAGIC + bytes([VERSION, KIND_ID]):
        raise DecodeError("not an id ticket")
    entry = IdTicket(r.take(ED448_KEY), r.var_bytes(), r.take(ED448_SIG))
    r.end()
    return entry
