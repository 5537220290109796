"""Signature hashes: legacy, segwit v0 (BIP 143), taproot (BIP 341, 342)."""
import struct

from .codec import compact_size, var_bytes
from .hashes import hash160, hash256, sha256, tagged_hash
from .primitives import TxIn, TxOut
from .script import decode, leaf_hash

DEFAULT, ALL, NONE, SINGLE, ANYONECANPAY = 0, 1, 2, 3, 0x80
ONE = (1).to_bytes(32, "little")


def _without_codeseparators(code):
    out, last = b"", 0
    for op, _, pos in decode(code):
        if op == 0xab:
            out += code[last:pos]
            last = pos + 1
    return out + code[last:]


def legacy(code, tx, index, hash_type):
    """The 32 bytes an ECDSA signature of a pre-segwit input signs."""
    base = hash_type & 0x1f
    if index >= len(tx.vin) or base == SINGLE and index >= len(tx.vout):
        return ONE
    code = _without_codeseparators(code)
    vin = []
    for i, txin in enumerate(tx.vin):
        mine = i == index
        frozen = mine or base not in (NONE, SINGLE)
        vin.append(TxIn(txin.prevout, code if mine else b"",
                        txin.sequence if frozen else 0))
    vout = tx.vout
    if base == NONE:
        vout = []
    elif base == SINGLE:
        vout = [TxOut(-1, b"")] * index + [tx.vout[index]]
    if hash_type & ANYONECANPAY:
        vin = [vin[index]]
    data = (struct.pack("<I", tx.version & 0xffffffff)
            + compact_size(len(vin)) + b"".join(i.serialize() for i in vin)
            + compact_size(len(vout)) + b"".join(o.serialize() for o in vout)
            + struct.pack("<II", tx.locktime, hash_type & 0xffffffff))
    return hash256(data)


def segwit_v0(code, tx, index, hash_type, amount):
    base, zero = hash_type & 0x1f, bytes(32)
    anyone = hash_type & ANYONECANPAY
    prevouts = sequences = outputs = zero
    if not anyone:
        prevouts = hash256(b"".join(i.prevout.serialize() for i in tx.vin))
    if not anyone and base not in (NONE, SINGLE):
        sequences = hash256(b"".join(struct.pack("<I", i.sequence) for i in tx.vin))
    if base not in (NONE, SINGLE):
        outputs = hash256(b"".join(o.serialize() for o in tx.vout))
    elif base == SINGLE and index < len(tx.vout):
        outputs = hash256(tx.vout[index].serialize())
    txin = tx.vin[index]
    return hash256(struct.pack("<I", tx.version & 0xffffffff) + prevouts + sequences
                   + txin.prevout.serialize() + var_bytes(code)
                   + struct.pack("<q", amount) + struct.pack("<I", txin.sequence)
                   + outputs + struct.pack("<II", tx.locktime, hash_type))


def taproot(tx, spent, index, hash_type=DEFAULT, leaf=None, codesep=0xffffffff,
            annex=None, leaf_version=0xc0):
    """spent: the outputs that all inputs spend; leaf: script, for a script path."""
    out_type = ALL if hash_type == DEFAULT else hash_type & 3
    anyone = hash_type & ANYONECANPAY
    data = b"\x00" + struct.pack("<BII", hash_type, tx.version & 0xffffffff, tx.locktime)
    if not anyone:
        data += sha256(b"".join(i.prevout.serialize() for i in tx.vin))
        data += sha256(b"".join(struct.pack("<q", o.value) for o in spent))
        data += sha256(b"".join(var_bytes(o.script_pubkey) for o in spent))
        data += sha256(b"".join(struct.pack("<I", i.sequence) for i in tx.vin))
    if out_type == ALL:
        data += sha256(b"".join(o.serialize() for o in tx.vout))
    data += bytes([(2 if leaf is not None else 0) + (annex is not None)])
    if anyone:
        data += (tx.vin[index].prevout.serialize() + spent[index].serialize()
                 + struct.pack("<I", tx.vin[index].sequence))
    else:
        data += struct.pack("<I", index)
    if annex is not None:
        data += sha256(var_bytes(annex))
    if out_type == SINGLE:
        data += sha256(tx.vout[index].serialize()) if index < len(tx.vout) else bytes(32)
    if leaf is not None:
        data += leaf_hash(leaf, leaf_version) + b"\x00" + struct.pack("<I", codesep)
    return tagged_hash("TapSighash", data)


def sign_p2pkh(tx, index, key, hash_type=ALL):
    code = b"\x76\xa9\x14" + hash160(key.pubkey) + b"\x88\xac"
    sig = key.sign_ecdsa(legacy(code, tx, index, hash_type)) + bytes([hash_type])
    tx.vin[index].script_sig = (bytes([len(sig)]) + sig
                                + bytes([len(key.pubkey)]) + key.pubkey)


def sign_p2wpkh(tx, index, key, amount, hash_type=ALL):
    code = b"\x76\xa9\x14" + hash160(key.pubkey) + b"\x88\xac"
    digest = segwit_v0(code, tx, index, hash_type, amount)
    tx.vin[index].witness = [key.sign_ecdsa(digest) + bytes([hash_type]), key.pubkey]


def sign_p2pk(tx, index, key, code, hash_type=ALL):
    sig = key.sign_ecdsa(legacy(code, tx, index, hash_type)) + bytes([hash_type])
    tx.vin[index].script_sig = bytes([len(sig)]) + sig


def sign_taproot_key(tx, index, key, spent, hash_type=DEFAULT, merkle_root=b""):
    digest = taproot(tx, spent, index, hash_type)
    sig = key.tweaked(merkle_root).sign_schnorr(digest)
    tx.vin[index].witness = [sig + (bytes([hash_type]) if hash_type else b"")]

