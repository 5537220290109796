"""secp256k1 keys through the system library (ECDSA, BIP 340, taproot tweaks)."""
import ctypes
import ctypes.util
import hashlib

from . import address
from .hashes import tagged_hash

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
FIELD = 2 ** 256 - 2 ** 32 - 977


class _Secp:
    """One context of libsecp256k1; raises ValueError where the library says 0."""

    def __init__(self):
        name = ctypes.util.find_library("secp256k1") or "libsecp256k1.so.1"
        self.lib = ctypes.CDLL(name)
        create = self.lib.secp256k1_context_create
        create.restype = ctypes.c_void_p
        create.argtypes = [ctypes.c_uint]
        self.ctx = ctypes.c_void_p(create(0x301))

    def call(self, name, *args):
        if not getattr(self.lib, "secp256k1_" + name)(self.ctx, *args):
            raise ValueError("secp256k1_" + name + " failed")

    def void(self, name, *args):
        getattr(self.lib, "secp256k1_" + name)(self.ctx, *args)


_secp = _Secp()


def _buffer(size):
    return ctypes.create_string_buffer(size)


def _parse_pubkey(data):
    pub = _buffer(64)
    _secp.call("ec_pubkey_parse", pub, data, ctypes.c_size_t(len(data)))
    return pub


def _serialize_pubkey(pub, compressed=True):
    out, size = _buffer(65), ctypes.c_size_t(65)
    _secp.call("ec_pubkey_serialize", out, ctypes.byref(size), pub,
               ctypes.c_uint(258 if compressed else 2))
    return out.raw[:size.value]


def ecdsa_verify(pubkey, sig_der, msg32):
    sig = _buffer(64)
    try:
        _secp.call("ecdsa_signature_parse_der", sig, sig_der,
                   ctypes.c_size_t(len(sig_der)))
        _secp.call("ecdsa_verify", sig, msg32, _parse_pubkey(pubkey))
    except ValueError:
        return False
    return True


def schnorr_verify(xonly, sig64, msg32):
    pub = _buffer(64)
    try:
        _secp.call("xonly_pubkey_parse", pub, xonly)
        _secp.call("schnorrsig_verify", sig64, msg32, ctypes.c_size_t(len(msg32)), pub)
    except ValueError:
        return False
    return True


def tweak_add_xonly(xonly, tweak32):
    """Returns (tweaked x-only key, parity) of an x-only key plus tweak*G."""
    pub, out = _buffer(64), _buffer(64)
    _secp.call("xonly_pubkey_parse", pub, xonly)
    _secp.call("xonly_pubkey_tweak_add", out, pub, tweak32)
    data = _serialize_pubkey(out)
    return data[1:], data[0] & 1


def public_x(secret):
    """x coordinate of a secret's public key, as a number."""
    pub = _buffer(64)
    _secp.call("ec_pubkey_create", pub, secret)
    return int.from_bytes(_serialize_pubkey(pub)[1:], "big")


def multiply_x(x, secret):
    """x coordinate of a point, of which only x is known, times a secret."""
    pub = _parse_pubkey(b"\2" + x.to_bytes(32, "big"))
    _secp.call("ec_pubkey_tweak_mul", pub, secret)
    return _serialize_pubkey(pub)[1:]


def der_encode(r, s):
    """DER of (r, s) without any check: lets a test encode what signers never make."""
    def number(n):
        raw = n.to_bytes(n.bit_length() // 8 + 1, "big")
        return b"\x02" + bytes([len(raw)]) + raw
    body = number(r) + number(s)
    return b"\x30" + bytes([len(body)]) + body


class Key:
    """A secret key and everything derived from it."""

    def __init__(self, secret, compressed=True):
        self.secret = secret if isinstance(secret, bytes) else secret.to_bytes(32, "big")
        self.compressed = compressed
        self._pub = _buffer(64)
        _secp.call("ec_pubkey_create", self._pub, self.secret)
        self._pair = _buffer(96)
        _secp.call("keypair_create", self._pair, self.secret)

    @classmethod
    def from_seed(cls, seed, compressed=True):
        """Deterministic key: tests must not depend on chance."""
        if isinstance(seed, str):
            seed = seed.encode()
        return cls(hashlib.sha256(b"ochre functional key " + seed).digest(), compressed)

    @property
    def pubkey(self):
        return _serialize_pubkey(self._pub, self.compressed)

    @property
    def xonly(self):
        return _serialize_pubkey(self._pub)[1:]

    def wif(self, params):
        return address.wif(params, self.secret, self.compressed)

    def p2pkh(self, params):
        return address.p2pkh(params, self.pubkey)

    def p2wpkh(self, params):
        return address.p2wpkh(params, self.pubkey)

    def p2tr(self, params):
        """Address of the BIP 86 output: key path only."""
        return address.p2tr(params, self.tweaked().xonly)

    def sign_compact(self, msg32):
        """64 bytes r || s, RFC 6979 nonce, low s."""
        sig, out = _buffer(64), _buffer(64)
        _secp.call("ecdsa_sign", sig, msg32, self.secret, None, None)
        _secp.call("ecdsa_signature_serialize_compact", out, sig)
        return out.raw

    def sign_recoverable(self, msg32, low_s=True):
        """65 bytes as signmessage makes them: header, r, s."""
        sig, out, recid = _buffer(65), _buffer(64), ctypes.c_int()
        _secp.call("ecdsa_sign_recoverable", sig, msg32, self.secret, None, None)
        _secp.call("ecdsa_recoverable_signature_serialize_compact", out,
                   ctypes.byref(recid), sig)
        r, s = out.raw[:32], int.from_bytes(out.raw[32:], "big")
        number = recid.value if low_s else recid.value ^ 1
        head = 27 + number + (4 if self.compressed else 0)
        return bytes([head]) + r + (s if low_s else ORDER - s).to_bytes(32, "big")

    def sign_ecdsa(self, msg32, low_s=True):
        compact = self.sign_compact(msg32)
        r, s = (int.from_bytes(compact[:32], "big"), int.from_bytes(compact[32:], "big"))
        return der_encode(r, s if low_s else ORDER - s)

    def sign_schnorr(self, msg32, aux=None):
        out = _buffer(64)
        _secp.call("schnorrsig_sign32", out, msg32, self._pair, aux)
        return out.raw

    def tweaked(self, merkle_root=b""):
        """The key that signs a taproot key path (BIP 341)."""
        return self.tweak_add(tagged_hash("TapTweak", self.xonly + merkle_root))

    def tweak_add(self, tweak32):
        pair = ctypes.create_string_buffer(self._pair.raw, 96)
        _secp.call("keypair_xonly_tweak_add", pair, tweak32)
        secret = _buffer(32)
        _secp.call("keypair_sec", secret, pair)
        return Key(secret.raw)
