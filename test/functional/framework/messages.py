"""P2P messages. Most are a table of fields; the rest read and write by hand."""
import base64
import hashlib
import ipaddress
import struct

from .codec import Reader, compact_size, var_bytes, vector
from .hashes import sha256, siphash
from .primitives import Block, Header, Tx

PROTOCOL_VERSION = 70016
NODE_NETWORK = 1
NODE_BLOOM = 4
NODE_WITNESS = 8
NODE_COMPACT_FILTERS = 64
NODE_NETWORK_LIMITED = 1024
NODE_P2P_V2 = 2048

MSG_TX, MSG_BLOCK, MSG_FILTERED_BLOCK, MSG_CMPCT_BLOCK, MSG_WTX = 1, 2, 3, 4, 5
MSG_WITNESS_FLAG = 1 << 30
MSG_WITNESS_TX = MSG_TX | MSG_WITNESS_FLAG
MSG_WITNESS_BLOCK = MSG_BLOCK | MSG_WITNESS_FLAG

MAX_INV = 50000
MAX_HEADERS = 2000
MAX_ADDR = 1000
MAX_LOCATOR = 101
MAX_PAYLOAD = 4_000_000

V4_PREFIX = bytes(10) + b"\xff\xff"
OVERLAYS = {4: ".onion", 5: ".b32.i2p"}     # by BIP 155 id


class NetAddress:
    """An address as version and addr carry it (BIP 155 network in addrv2)."""

    def __init__(self, ip="0.0.0.0", port=0, services=0, time=0):
        self.ip, self.port, self.services, self.time = ip, port, services, time

    def _packed(self):
        ip = ipaddress.ip_address(self.ip)
        return V4_PREFIX + ip.packed if ip.version == 4 else ip.packed

    def serialize(self, with_time=True):
        head = struct.pack("<I", self.time) if with_time else b""
        return (head + struct.pack("<Q", self.services) + self._packed()
                + struct.pack(">H", self.port))

    def serialize_v2(self):
        net, raw = self._network()
        return (struct.pack("<I", self.time) + compact_size(self.services)
                + bytes([net]) + var_bytes(raw) + struct.pack(">H", self.port))

    def _network(self):
        """BIP 155 id and octets."""
        for net, suffix in OVERLAYS.items():
            if self.ip.endswith(suffix):
                text = self.ip[:-len(suffix)].upper()
                return net, base64.b32decode(text + "=" * (-len(text) % 8))[:32]
        ip = ipaddress.ip_address(self.ip)
        return 1 if ip.version == 4 else 2, ip.packed

    @classmethod
    def read(cls, r, with_time=True):
        time = r.u32() if with_time else 0
        services, raw, port = r.u64(), r.take(16), r.u16be()
        if raw.startswith(V4_PREFIX):
            raw = raw[12:]
        return cls(str(ipaddress.ip_address(raw)), port, services, time)

    @classmethod
    def read_v2(cls, r):
        time, services, net = r.u32(), r.compact_size(), r.u8()
        raw, port = r.var_bytes(), r.u16be()
        if net == 4:
            checksum = hashlib.sha3_256(b".onion checksum" + raw + b"\x03").digest()[:2]
            raw += checksum + b"\x03"
        if net in OVERLAYS:
            text = base64.b32encode(raw).decode().rstrip("=").lower() + OVERLAYS[net]
        else:
            text = str(ipaddress.ip_address(raw)) if net in (1, 2) else raw.hex()
        return cls(text, port, services, time)


class Inv:
    """One inventory entry."""

    def __init__(self, kind=0, hash=bytes(32)):
        self.kind, self.hash = kind, hash

    def serialize(self):
        return struct.pack("<I", self.kind) + self.hash

    @classmethod
    def read(cls, r):
        return cls(r.u32(), r.hash())

    def __eq__(self, other):
        return (self.kind, self.hash) == (other.kind, other.hash)

    def __repr__(self):
        return f"Inv({self.kind:#x}, {self.hash[::-1].hex()})"


MESSAGES = {}


def _message(command):
    def register(cls):
        cls.command = command
        MESSAGES[command] = cls
        return cls
    return register


class Empty:
    """A message without payload."""

    def serialize(self):
        return b""

    @classmethod
    def read(cls, _):
        return cls()


for _name in ("verack", "sendheaders", "mempool", "filterclear", "wtxidrelay",
              "sendaddrv2", "getaddr"):
    _message(_name)(type(_name.capitalize(), (Empty,), {}))
Verack, Sendheaders, Mempool = (MESSAGES[n] for n in ("verack", "sendheaders", "mempool"))
Filterclear, Wtxidrelay = MESSAGES["filterclear"], MESSAGES["wtxidrelay"]
Sendaddrv2, Getaddr = MESSAGES["sendaddrv2"], MESSAGES["getaddr"]


@_message("version")
class Version:
    def __init__(self, version=PROTOCOL_VERSION, services=NODE_NETWORK | NODE_WITNESS,
                 time=0, to=None, frm=None, nonce=0, user_agent="/functional:0.1/",
                 height=0, relay=True):
        self.version, self.services, self.time = version, services, time
        self.to, self.frm = to or NetAddress(), frm or NetAddress()
        self.nonce, self.user_agent = nonce, user_agent
        self.height, self.relay = height, relay

    def serialize(self):
        return (struct.pack("<iQq", self.version, self.services, self.time)
                + self.to.serialize(False) + self.frm.serialize(False)
                + struct.pack("<Q", self.nonce) + var_bytes(self.user_agent.encode())
                + struct.pack("<i", self.height)
                + (b"" if self.relay is None else bytes([self.relay])))

    @classmethod
    def read(cls, r):
        head = r.i32(), r.u64(), r.i64()
        to, frm = NetAddress.read(r, False), NetAddress.read(r, False)
        return cls(*head, to, frm, r.u64(), r.var_bytes().decode(), r.i32(),
                   bool(r.u8()) if r.left else None)


class _U64:
    def __init__(self, value=0):
        self.value = value

    def serialize(self):
        return struct.pack("<Q", self.value)

    @classmethod
    def read(cls, r):
        return cls(r.u64())


@_message("ping")
class Ping(_U64):
    pass


@_message("pong")
class Pong(_U64):
    pass


@_message("feefilter")
class FeeFilter(_U64):
    pass


class _Vector:
    entry = None

    def __init__(self, items=()):
        self.items = list(items)

    def serialize(self):
        return vector(self.items)

    @classmethod
    def read(cls, r):
        return cls(r.vector(cls.entry.read))


@_message("addr")
class Addr(_Vector):
    entry = NetAddress


@_message("addrv2")
class Addrv2:
    def __init__(self, items=()):
        self.items = list(items)

    def serialize(self):
        return compact_size(len(self.items)) + b"".join(
            a.serialize_v2() for a in self.items)

    @classmethod
    def read(cls, r):
        return cls(r.vector(NetAddress.read_v2))


@_message("inv")
class InvMsg(_Vector):
    entry = Inv


@_message("getdata")
class GetData(_Vector):
    entry = Inv


@_message("notfound")
class NotFound(_Vector):
    entry = Inv


class _Locator:
    def __init__(self, locator=(), stop=bytes(32), version=PROTOCOL_VERSION):
        self.version, self.locator, self.stop = version, list(locator), stop

    def serialize(self):
        return (struct.pack("<I", self.version) + compact_size(len(self.locator))
                + b"".join(self.locator) + self.stop)

    @classmethod
    def read(cls, r):
        version, locator = r.u32(), r.vector(Reader.hash)
        return cls(locator, r.hash(), version)


@_message("getheaders")
class GetHeaders(_Locator):
    pass


@_message("getblocks")
class GetBlocks(_Locator):
    pass


@_message("headers")
class Headers:
    def __init__(self, items=()):
        self.items = list(items)

    def serialize(self):
        return compact_size(len(self.items)) + b"".join(
            h.serialize_header() + b"\x00" for h in self.items)

    @classmethod
    def read(cls, r):
        def one(reader):
            head = Header.read(reader)
            reader.compact_size()
            return head
        return cls(r.vector(one))


@_message("block")
class BlockMsg:
    def __init__(self, block=None, witness=True):
        self.block, self.witness = block or Block(), witness

    def serialize(self):
        return self.block.serialize(self.witness)

    @classmethod
    def read(cls, r):
        return cls(Block.read(r))


@_message("tx")
class TxMsg:
    def __init__(self, tx=None, witness=True):
        self.tx, self.witness = tx or Tx(), witness

    def serialize(self):
        return self.tx.serialize(self.witness)

    @classmethod
    def read(cls, r):
        return cls(Tx.read(r))


@_message("sendcmpct")
class SendCmpct:
    def __init__(self, announce=False, version=2):
        self.announce, self.version = announce, version

    def serialize(self):
        return struct.pack("<BQ", self.announce, self.version)

    @classmethod
    def read(cls, r):
        return cls(bool(r.u8()), r.u64())


def short_ids(header_bytes, nonce, wtxids):
    """BIP 152 short ids of transactions in a compact block."""
    key = sha256(header_bytes + struct.pack("<Q", nonce))
    k0, k1 = struct.unpack("<QQ", key[:16])
    return [siphash(k0, k1, w) & 0xffffffffffff for w in wtxids]


@_message("cmpctblock")
class CmpctBlock:
    def __init__(self, header=None, nonce=0, ids=(), prefilled=()):
        self.header, self.nonce = header or Header(), nonce
        self.ids, self.prefilled = list(ids), list(prefilled)  # (index, tx)

    @classmethod
    def of(cls, block, nonce=0, prefill=(0,)):
        txs = block.txs
        ids = short_ids(block.serialize_header(), nonce,
                        [t.wtxid_bytes for i, t in enumerate(txs) if i not in prefill])
        return cls(block.header(), nonce, ids, [(i, txs[i]) for i in prefill])

    def serialize(self):
        out = self.header.serialize_header() + struct.pack("<Q", self.nonce)
        out += compact_size(len(self.ids))
        out += b"".join(i.to_bytes(6, "little") for i in self.ids)
        out += compact_size(len(self.prefilled))
        last = -1
        for index, tx in self.prefilled:
            out += compact_size(index - last - 1) + tx.serialize()
            last = index
        return out

    @classmethod
    def read(cls, r):
        header, nonce = Header.read(r), r.u64()
        ids = r.vector(lambda x: int.from_bytes(x.take(6), "little"))
        prefilled, last = [], -1
        for _ in range(r.compact_size()):
            last += r.compact_size() + 1
            prefilled.append((last, Tx.read(r)))
        return cls(header, nonce, ids, prefilled)


@_message("getblocktxn")
class GetBlockTxn:
    def __init__(self, block_hash=bytes(32), indexes=()):
        self.block_hash, self.indexes = block_hash, list(indexes)

    def serialize(self):
        out, last = self.block_hash + compact_size(len(self.indexes)), -1
        for i in self.indexes:
            out += compact_size(i - last - 1)
            last = i
        return out

    @classmethod
    def read(cls, r):
        block_hash, indexes, last = r.hash(), [], -1
        for _ in range(r.compact_size()):
            last += r.compact_size() + 1
            indexes.append(last)
        return cls(block_hash, indexes)


@_message("blocktxn")
class BlockTxn:
    def __init__(self, block_hash=bytes(32), txs=()):
        self.block_hash, self.txs = block_hash, list(txs)

    def serialize(self):
        return self.block_hash + vector(self.txs)

    @classmethod
    def read(cls, r):
        return cls(r.hash(), r.vector(Tx.read))


@_message("filterload")
class FilterLoad:
    def __init__(self, data=b"", hash_funcs=0, tweak=0, flags=0):
        self.data, self.hash_funcs, self.tweak, self.flags = data, hash_funcs, tweak, flags

    def serialize(self):
        return var_bytes(self.data) + struct.pack("<IIB", self.hash_funcs, self.tweak,
                                                  self.flags)

    @classmethod
    def read(cls, r):
        return cls(r.var_bytes(), r.u32(), r.u32(), r.u8())


@_message("filteradd")
class FilterAdd:
    def __init__(self, data=b""):
        self.data = data

    def serialize(self):
        return var_bytes(self.data)

    @classmethod
    def read(cls, r):
        return cls(r.var_bytes())


class Raw:
    """Any bytes under any command: for tests that break the rules."""

    def __init__(self, command, payload=b""):
        self.command, self.payload = command, payload

    def serialize(self):
        return self.payload


def parse(command, payload):
    """The message of a payload; Raw when the command is unknown."""
    cls = MESSAGES.get(command)
    if cls is None:
        return Raw(command, payload)
    r = Reader(payload)
    msg = cls.read(r)
    if command != "version":
        r.end()
    return msg
