"""The encrypted transport (BIP 324) from the other side: ElligatorSwift in plain numbers, the
ciphers through libsodium, packets, and a peer that speaks it."""
import ctypes
import ctypes.util
import hmac
import os
import struct
import threading

from .hashes import tagged_hash
from .key import FIELD as P
from .key import ORDER, multiply_x, public_x
from .messages import parse
from .p2p import Peer

REKEY = 224
KEY, TERMINATOR, MAX_GARBAGE = 64, 16, 4095
IGNORE = 0x80
TAG = 16

SHORT = ("addr block blocktxn cmpctblock feefilter filteradd filterclear filterload getblocks "
         "getblocktxn getdata getheaders headers inv mempool merkleblock notfound ping pong "
         "sendcmpct tx getcfilters cfilter getcfheaders cfheaders getcfcheckpt cfcheckpt "
         "addrv2").split()
SHORT_ID = {name: i + 1 for i, name in enumerate(SHORT)}


# ElligatorSwift ----------------------------------------------------------
def _root(a):
    r = pow(a, (P + 1) // 4, P)
    return r if r * r % P == a % P else None


def _over(a, b):
    return a * pow(b, -1, P) % P


def _curve(x):
    return (x * x * x + 7) % P


def _on_curve(x):
    return _root(_curve(x)) is not None


MINUS_3_ROOT = _root(-3 % P)


def _decode(u, t):
    u, t = u % P or 1, t % P or 1
    if (_curve(u) + t * t) % P == 0:
        t = 2 * t % P
    x = _over(_curve(u) - t * t, 2 * t)
    y = _over(x + t, MINUS_3_ROOT * u)
    candidates = (u + 4 * y * y, _over(-_over(x, y) - u, 2), _over(_over(x, y) - u, 2))
    return next(c % P for c in candidates if _on_curve(c % P))


def decode(encoding):
    """The x coordinate that 64 octets stand for."""
    return _decode(int.from_bytes(encoding[:32], "big"), int.from_bytes(encoding[32:], "big"))


def inverse(x, u, branch):
    """A t with decode(u, t) == x, or None where this branch has none."""
    if not branch & 2:
        if _on_curve((-x - u) % P):
            return None
        v, s = x, _over(-_curve(u), u * u + u * x + x * x)
    else:
        s = (x - u) % P
        r = s and _root(-s * (4 * _curve(u) + 3 * s * u * u) % P)
        if not s or r is None or (branch & 1 and r == 0):
            return None
        v = _over(_over(r, s) - u, 2)
    w = _root(s)
    if w is None:
        return None
    c = MINUS_3_ROOT if branch & 1 else -MINUS_3_ROOT
    t = w * (_over(u * (1 + c), 2) + v) % P
    return (t if (branch & 5) in (1, 4) else -t) % P


def encode(x, random=os.urandom):
    while True:
        u = int.from_bytes(random(32), "big") % P
        t = u and inverse(x, u, random(1)[0] & 7)
        if t and _decode(u, t) == x:
            return u.to_bytes(32, "big") + t.to_bytes(32, "big")


# ciphers -----------------------------------------------------------------
_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")


def _key_stream(key, nonce, counter, size):
    out = ctypes.create_string_buffer(size)
    _sodium.crypto_stream_chacha20_ietf_xor_ic(out, bytes(size), ctypes.c_ulonglong(size), nonce,
                                               ctypes.c_uint32(counter), key)
    return out.raw


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Lengths:
    """FSChaCha20 over chunks of three octets."""

    def __init__(self, key):
        self.rekeys = 0
        self._begin(key)

    def _begin(self, key):
        nonce = struct.pack("<IQ", 0, self.rekeys)
        self.stream, self.chunks = _key_stream(key, nonce, 0, REKEY * 3 + 32), 0

    def crypt(self, data):
        at = self.chunks * 3
        self.chunks += 1
        out = _xor(data, self.stream[at:at + 3])
        if self.chunks == REKEY:
            self.rekeys += 1
            self._begin(self.stream[REKEY * 3:])
        return out


class Contents:
    """FSChaCha20Poly1305 over packets."""

    def __init__(self, key):
        self.key, self.packets, self.rekeys = key, 0, 0

    def _nonce(self):
        return struct.pack("<IQ", self.packets, self.rekeys)

    def _next(self):
        self.packets += 1
        if self.packets == REKEY:
            self.packets = 0xffffffff
            self.key = _key_stream(self.key, self._nonce(), 1, 32)
            self.packets, self.rekeys = 0, self.rekeys + 1

    def seal(self, aad, plain):
        out = ctypes.create_string_buffer(len(plain) + TAG)
        _sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
            out, None, plain, ctypes.c_ulonglong(len(plain)), aad,
            ctypes.c_ulonglong(len(aad)), None, self._nonce(), self.key)
        self._next()
        return out.raw

    def open(self, aad, sealed):
        out = ctypes.create_string_buffer(max(len(sealed) - TAG, 1))
        if _sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
                out, None, None, sealed, ctypes.c_ulonglong(len(sealed)), aad,
                ctypes.c_ulonglong(len(aad)), self._nonce(), self.key):
            raise ValueError("a packet was forged")
        self._next()
        return out.raw[:len(sealed) - TAG]


# one connection ----------------------------------------------------------
def _expand(prk, info):
    return hmac.digest(prk, info + b"\1", "sha256")


class Channel:
    """One side of a connection: its key first, then packets both ways."""

    def __init__(self, magic, initiator=True, secret=None, encoding=None, random=os.urandom):
        self.magic, self.initiator = magic, initiator
        self.secret = secret or (int.from_bytes(random(32), "big") % (ORDER - 1) + 1
                                 ).to_bytes(32, "big")
        self.encoding = encoding or encode(public_x(self.secret), random)

    def agree(self, theirs):
        """After their 64 octets came."""
        x = multiply_x(decode(theirs), self.secret)
        both = self.encoding + theirs if self.initiator else theirs + self.encoding
        shared = tagged_hash("bip324_ellswift_xonly_ecdh", both + x)
        prk = hmac.digest(b"bitcoin_v2_shared_secret" + self.magic, shared, "sha256")
        ours, others = (b"initiator", b"responder")[::1 if self.initiator else -1]
        self.lengths_out, self.out = Lengths(_expand(prk, ours + b"_L")), \
            Contents(_expand(prk, ours + b"_P"))
        self.lengths_in, self.in_ = Lengths(_expand(prk, others + b"_L")), \
            Contents(_expand(prk, others + b"_P"))
        terminators = _expand(prk, b"garbage_terminators")
        halves = terminators[:TERMINATOR], terminators[TERMINATOR:]
        self.terminator, self.their_terminator = halves[::1 if self.initiator else -1]
        self.session_id = _expand(prk, b"session_id")

    def seal(self, contents, aad=b"", ignore=False, length=None):
        """A packet; length: what it claims to be of, if not the truth."""
        size = len(contents) if length is None else length
        return (self.lengths_out.crypt(size.to_bytes(3, "little"))
                + self.out.seal(aad, bytes([IGNORE if ignore else 0]) + contents))

    def seal_message(self, command, payload=b""):
        short = SHORT_ID.get(command)
        head = bytes([short]) if short else b"\0" + command.encode().ljust(12, b"\0")
        return self.seal(head + payload)

    def greet(self, garbage, decoys=0):
        """Ends our garbage and says the version; decoys go before it."""
        out, aad = self.terminator, garbage
        for ignore in [True] * decoys + [False]:
            out += self.seal(os.urandom(7) if ignore else b"", aad, ignore)
            aad = b""
        return out

    def open_length(self, data):
        return int.from_bytes(self.lengths_in.crypt(data), "little")

    def open(self, sealed, aad=b""):
        """(ignore, contents)"""
        plain = self.in_.open(aad, sealed)
        return bool(plain[0] & IGNORE), plain[1:]


def split_type(contents):
    """(command, payload)"""
    if contents[0]:
        return SHORT[contents[0] - 1], contents[1:]
    return contents[1:13].rstrip(b"\0").decode(), contents[13:]


class V2Peer(Peer):
    """Calls the node in version 2, with garbage and decoys."""

    def __init__(self, *args, garbage=b"", decoys=0, **kwargs):
        super().__init__(*args, **kwargs)
        self.garbage, self.decoys = garbage, decoys
        self.sending = threading.Lock()

    def send_version(self):
        """The reader does it when the keys stand."""

    def new_channel(self):
        return Channel(self.params.magic)

    def _agree(self):
        self.channel = self.new_channel()
        self.sock.sendall(self.channel.encoding + self.garbage)
        self.channel.agree(self._recv(KEY))
        self.sock.sendall(self.channel.greet(self.garbage, self.decoys))
        self._take_garbage()

    def _take_garbage(self):
        garbage = self._recv(TERMINATOR)
        while not garbage.endswith(self.channel.their_terminator):
            assert len(garbage) < MAX_GARBAGE + TERMINATOR
            garbage += self._recv(1)
        self.their_garbage = garbage[:-TERMINATOR]

    def _open(self, aad=b""):
        size = self.channel.open_length(self._recv(3))
        return self.channel.open(self._recv(1 + size + TAG), aad)

    def _write(self, messages):
        with self.sending:
            self.sock.sendall(b"".join(self.channel.seal_message(m.command, m.serialize())
                                       for m in messages))

    def _read_all(self):
        self._agree()
        if self.handshake:
            super().send_version()
        ignore, _ = self._open(self.their_garbage)
        while ignore:
            ignore, _ = self._open()
        while True:
            ignore, contents = self._open()
            if not ignore:
                command, payload = split_type(contents)
                self._dispatch(command, parse(command, payload))
