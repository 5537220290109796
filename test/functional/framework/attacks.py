"""What hostile peers do: a table of attacks, each the life of one connection.

An attack gets a Session (a raw socket: nothing here waits for the node) and Material (what an
attacker knows of the chain), and sends until the session is Over: the node hung up, its time
is used up, or the test is done. Everything is drawn from the session's random numbers.
"""
import hashlib
import random
import socket
import struct
import threading
import time

from .codec import compact_size, var_bytes
from .messages import (MAX_LOCATOR, MAX_PAYLOAD, MSG_BLOCK, MSG_CMPCT_BLOCK,
                       MSG_FILTERED_BLOCK, MSG_TX, MSG_WITNESS_BLOCK, MSG_WITNESS_TX, MSG_WTX,
                       PROTOCOL_VERSION, BlockMsg, BlockTxn, CmpctBlock, GetBlocks, GetBlockTxn,
                       GetData, GetHeaders, Headers, Inv, InvMsg, NetAddress, Ping, Raw,
                       SendCmpct, TxMsg, Verack, Version)
from .p2p import SERVICES, frame
from .primitives import Header, OutPoint, Tx, TxIn, TxOut
from .v2 import KEY, MAX_GARBAGE, Channel

TYPES = ("addr addrv2 block blocktxn cfcheckpt cfheaders cfilter cmpctblock feefilter filteradd "
         "filterclear filterload getaddr getblocks getblocktxn getcfcheckpt getcfheaders "
         "getcfilters getdata getheaders headers inv mempool merkleblock notfound ping pong "
         "sendaddrv2 sendcmpct sendheaders sendtxrcncl tx verack version wtxidrelay "
         "nonsense").split()
SEND_TIMEOUT = 1       # seconds a full socket is waited for
LIFE = (0.3, 4)        # seconds of one connection
ENCRYPTED = 0.5        # of the connections that begin with a handshake
DECOYS = 0.1           # of the packets
MAX_CONTENTS = 1 + 12 + MAX_PAYLOAD

ATTACKS = {}           # name -> function


class Over(Exception):
    """The session has come to its end."""


class Material:
    """What attackers build upon; the test keeps the tip fresh."""

    def __init__(self, params, blocks, txs, dear):
        self.params = params
        self.blocks = blocks                       # of the honest chain
        self.hashes = [b.hash_bytes for b in blocks]
        self.txs = txs                             # valid ones, some of them rivals
        self.dear = dear                           # of many signatures, see many_signatures
        self.tip = blocks[-1]
        secret = hashlib.sha256(b"used again and again").digest()
        self.used_key = secret, Channel(params.magic, secret=secret).encoding
        self.low_work = _headers(Header(prev=blocks[0].prev, time=blocks[0].time), 120)

    def unknown(self, rng):
        return rng.randbytes(32)

    def known(self, rng):
        return rng.choice(self.hashes)


def _headers(first, count):
    """A chain of solved headers that starts like the given one."""
    out = [Header(prev=first.prev, merkle=b"\x77" * 32, time=first.time + 1).solve()]
    while len(out) < count:
        last = out[-1]
        out.append(Header(prev=last.hash_bytes, merkle=b"\x78" * 32, time=last.time + 1).solve())
    return out


class Session:
    """One connection of an attacker."""

    def __init__(self, port, rng, material, done):
        self.rng, self.material, self.done = rng, material, done
        self.magic = material.params.magic
        self.end = time.monotonic() + rng.uniform(*LIFE)
        self.reads = True
        self.channel = None
        self.sent = 0
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=SEND_TIMEOUT)

    def close(self):
        self.sock.close()

    def check(self):
        if self.done.is_set() or time.monotonic() > self.end:
            raise Over

    def raw(self, data):
        self.check()
        try:
            self.sock.settimeout(SEND_TIMEOUT)
            self.sock.sendall(data)
            self.sent += len(data)
            if self.reads:
                self._drain()
        except OSError as e:
            raise Over from e

    def _drain(self):
        """Takes what there is and looks at none of it."""
        self.sock.settimeout(0)
        try:
            while self.sock.recv(1 << 16):
                self.check()
        except BlockingIOError:
            return
        raise Over       # the node hung up

    def encrypt(self):
        """Goes over to version 2; before anything else."""
        r = self.rng
        secret, encoding = r.choice((self.material.used_key, (None, None)))
        channel = Channel(self.magic, True, secret, encoding, random=r.randbytes)
        garbage = r.randbytes(r.choice((0, 1, 100, r.randrange(MAX_GARBAGE), MAX_GARBAGE)))
        self.reads = False
        self.raw(channel.encoding + garbage)
        channel.agree(self._receive(KEY))
        self.reads = True
        self.raw(channel.greet(garbage, r.choice((0, 0, 1, 20))))
        self.channel = channel

    def _receive(self, size):
        data = b""
        try:
            while len(data) < size:
                part = self.sock.recv(size - len(data))
                if not part:
                    raise Over
                data += part
        except OSError as e:
            raise Over from e
        return data

    def _wrap(self, message):
        command, payload = message.command, message.serialize()
        if not self.channel:
            return frame(self.magic, command, payload)
        decoy = b""
        if self.rng.random() < DECOYS:
            decoy = self.channel.seal(self.rng.randbytes(self.rng.choice((0, 9, 3000))),
                                      ignore=True)
        return decoy + self.channel.seal_message(command, payload)

    def send(self, *messages):
        self.raw(b"".join(map(self._wrap, messages)))

    def pause(self, most=0.02):
        time.sleep(self.rng.uniform(0, most))
        self.check()

    def version(self):
        return Version(PROTOCOL_VERSION, SERVICES, int(time.time()), NetAddress("127.0.0.1"),
                       NetAddress("0.0.0.0"), self.rng.getrandbits(64), "/hostile:0.1/", -1, True)

    def handshake(self, *more):
        if not self.channel and self.rng.random() < ENCRYPTED:
            self.encrypt()
        self.say_version(*more)

    def say_version(self, *more):
        self.send(self.version(), *more, Verack())


def attack(fn):
    ATTACKS[fn.__name__] = fn
    return fn


# noise -------------------------------------------------------------------
def _any_message(s):
    r, m = s.rng, s.material
    return r.choice((
        lambda: Raw(r.choice(TYPES), r.randbytes(r.choice((0, 1, 8, 9, 36, 80, 500)))),
        lambda: InvMsg([Inv(r.choice((1, 2, 3, 4, 5, 77)), m.unknown(r)) for _ in range(50)]),
        lambda: GetData([Inv(r.choice((1, 2, 3, 4, 5, 1 << 30 | 2)), m.known(r))
                         for _ in range(10)]),
        lambda: GetHeaders([m.known(r)]),
        lambda: Headers(r.sample(m.blocks, 3)),
        lambda: BlockMsg(r.choice(m.blocks)),
        lambda: TxMsg(r.choice(m.blocks).txs[0]),
        lambda: Ping(r.getrandbits(64)),
        lambda: r.choice((s.version(), Verack(), SendCmpct(True))),
    ))()


@attack
def noise(s):
    """Any message at any time, some frames damaged, often without a handshake."""
    if s.rng.random() < 0.8:
        s.say_version()
    while True:
        message = _any_message(s)
        data = bytearray(frame(s.magic, message.command, message.serialize()))
        damage = s.rng.randrange(100)
        if damage == 0:
            data[s.rng.randrange(len(data))] ^= 1 << s.rng.randrange(8)
        elif damage == 1:
            data[16:20] = struct.pack("<I", s.rng.getrandbits(32))
        s.raw(bytes(data))
        s.pause(0.005)


@attack
def broken_frames(s):
    """Bad checksums, foreign magic, announced and real sizes at the limit."""
    s.say_version()
    for _ in range(5):
        data = bytearray(frame(s.magic, "ping", bytes(8)))
        data[20:24] = b"\0\0\0\0"
        s.raw(bytes(data) * 50)
        s.raw(frame(s.magic, "foobar", bytes(s.rng.choice((1000, MAX_PAYLOAD)))))
        s.pause()
    head = bytearray(frame(s.magic, s.rng.choice(TYPES), b""))
    head[16:20] = struct.pack("<I", s.rng.choice((MAX_PAYLOAD, MAX_PAYLOAD + 1, 0xffffffff)))
    if s.rng.random() < 0.3:
        head[:4] = s.rng.randbytes(4)
    s.raw(bytes(head))
    while True:               # never the whole of it
        s.raw(s.rng.randbytes(1000))
        s.pause()


@attack
def broken_packets(s):
    """Decoys without end, types that do not exist, forgeries, sizes at the limit, and packets
    that break off, also where the keys change."""
    s.encrypt()
    if s.rng.random() < 0.8:
        s.say_version()
    r, seal = s.rng, s.channel.seal
    for _ in range(r.choice((0, 1, 221, 222, 500))):
        s.raw(r.choice((
            lambda: seal(b"", ignore=True),
            lambda: seal(r.randbytes(r.choice((1, 100, 100, 20_000))), ignore=True),
            lambda: seal(bytes([r.randrange(29, 256)])),
            lambda: seal(b"\0" + r.randbytes(r.randrange(13))),
            lambda: seal(b""),
            lambda: s.channel.seal_message("ping", r.randbytes(8))))())
        s.check()
    how = r.randrange(4)
    if how == 0:
        s.raw(seal(bytes(MAX_CONTENTS), ignore=True) * 2)     # the second is a replay
    elif how == 1:
        s.raw(seal(b"", length=r.choice((MAX_CONTENTS + 1, 0xffffff))))
    elif how == 2:
        packet = bytearray(seal(r.randbytes(50)))
        packet[r.randrange(3, len(packet))] ^= 1
        s.raw(bytes(packet))
    _dribble(s, seal(b"", length=MAX_CONTENTS) + r.randbytes(5000))


@attack
def long_garbage(s):
    """Keys that are agreed on, and then no terminator in time."""
    channel = Channel(s.magic, random=s.rng.randbytes)
    s.raw(channel.encoding)
    channel.agree(s._receive(KEY))
    s.raw(s.rng.randbytes(s.rng.choice((MAX_GARBAGE, MAX_GARBAGE + 1))))
    s.raw(channel.greet(s.rng.randbytes(9)))      # or it vouches for another garbage
    _dribble(s, s.rng.randbytes(100))


# handshakes --------------------------------------------------------------
def _dribble(s, data):
    for i in range(len(data)):
        s.raw(data[i:i + 1])
        s.pause(0.1)


@attack
def slow_handshake(s):
    """Octet by octet, in both transports: any 64 octets are a key of version 2."""
    if s.rng.random() < 0.5:
        _dribble(s, frame(s.magic, "version", s.version().serialize()))
    s.raw(s.rng.randbytes(s.rng.choice((3, 64, 80))))
    _dribble(s, s.rng.randbytes(5000))


@attack
def endless_garbage(s):
    """Version 2 without a terminator."""
    while True:
        s.raw(s.rng.randbytes(s.rng.choice((64, 1000, 4095))))
        s.pause()


@attack
def half_open(s):
    """Says nothing, or stops in the middle."""
    if s.rng.random() < 0.5:
        s.send(s.version())
    while True:
        s.pause(0.2)


@attack
def hang_up(s):
    """Connects and is gone; the attacker comes again at once."""
    if s.rng.random() < 0.5:
        s.handshake()
    if s.rng.random() < 0.5:   # with a reset
        s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# floods ------------------------------------------------------------------
@attack
def inv_flood(s):
    s.handshake()
    r = s.rng
    while True:
        kind = r.choice((MSG_TX, MSG_WTX, MSG_BLOCK))
        hashes = [s.material.unknown(r) for _ in range(r.choice((1, 1000, 5000)))]
        s.send(InvMsg([Inv(kind, h) for h in hashes]))
        if r.random() < 0.3:
            s.send(Raw("notfound", InvMsg([Inv(kind, h) for h in hashes]).serialize()))
        s.pause()


@attack
def same_inv(s):
    """All attackers announce the same transactions, and keep none of the promises."""
    same = random.Random(5)
    s.handshake(Raw("wtxidrelay"))
    s.send(InvMsg([Inv(MSG_WTX, same.randbytes(32)) for _ in range(5000)]))
    while True:
        s.send(*[Ping(i) for i in range(20)])
        s.pause()


@attack
def getdata_flood(s):
    s.handshake()
    kinds = (MSG_BLOCK, MSG_WITNESS_BLOCK, MSG_FILTERED_BLOCK, MSG_CMPCT_BLOCK, MSG_TX,
             MSG_WITNESS_TX, MSG_WTX, 99)
    while True:
        n = s.rng.choice((1, 100, 3000))
        s.send(GetData([Inv(s.rng.choice(kinds), s.material.known(s.rng)) for _ in range(n)]))
        s.pause()


@attack
def headers_flood(s):
    """getheaders and getblocks with locators of every length."""
    s.handshake()
    while True:
        kind = s.rng.choice((GetHeaders, GetBlocks))
        n = s.rng.choice((0, 1, MAX_LOCATOR, MAX_LOCATOR, MAX_LOCATOR + 1 + s.rng.randrange(2000)))
        locator = [s.material.unknown(s.rng) for _ in range(n)]
        s.send(*[kind(locator + [s.material.known(s.rng)] * (n < MAX_LOCATOR))
                 for _ in range(5)])
        s.pause()


@attack
def tx_flood(s):
    """Orphans, nonsense, rivals of valid transactions."""
    s.handshake()
    r = s.rng
    while True:
        orphan = Tx([TxIn(OutPoint(s.material.unknown(r).hex(), r.randrange(3)),
                          r.randbytes(r.choice((0, 100, 1500))))
                     for _ in range(r.choice((1, 3, 50)))],
                    [TxOut(1000, r.randbytes(25)) for _ in range(r.choice((1, 2, 500)))])
        invalid = Tx([TxIn(OutPoint(), b"")], [TxOut(-1, b"")])
        s.send(TxMsg(r.choice((orphan, orphan, orphan, invalid, r.choice(s.material.txs)))))
        s.pause(0.01)


@attack
def dear_transactions(s):
    """Each costs the node a thousand signature checks, and nobody is to blame."""
    s.handshake()
    while True:
        tx = s.material.dear.copy()
        tx.vout[0].value -= s.rng.randrange(50_000)
        s.send(TxMsg(tx))
        s.pause()


@attack
def addr_flood(s):
    s.handshake(Raw("sendaddrv2"))
    r = s.rng
    while True:
        many = r.choice((1, 10, 1000, 1001))
        now = int(time.time())
        if r.random() < 0.5:
            v1 = b"".join(NetAddress(f"{r.randrange(1, 223)}.{r.randrange(256)}.3.4", 8333, 9,
                                     now).serialize() for _ in range(many))
            s.send(Raw("addr", compact_size(many) + v1), Raw("getaddr"))
        else:
            sizes = ((1, 4), (2, 16), (4, 32), (5, 32), (6, 16), (7, 200))
            v2 = b"".join(struct.pack("<IBB", now, 9, net) + var_bytes(r.randbytes(size))
                          + struct.pack(">H", 8333) for net, size in r.choices(sizes, k=many))
            s.send(Raw("addrv2", compact_size(many) + v2))
        s.pause()


@attack
def ping_flood(s):
    s.handshake()
    while True:
        s.send(*[Ping(i) for i in range(500)])
        s.pause()


@attack
def filter_flood(s):
    """BIP 35, 37 and 157: the largest filters, filtered blocks, ranges of compact filters."""
    s.handshake()
    full = Raw("filterload", var_bytes(bytes(36000)) + struct.pack("<IIB", 50, 1, 1))
    known = s.material.known
    while True:
        stop, r = s.material.hashes[-1], s.rng
        s.send(full, Raw("mempool"), *[Raw("filteradd", var_bytes(r.randbytes(520)))] * 20,
               GetData([Inv(MSG_FILTERED_BLOCK, known(r)) for _ in range(50)]),
               Raw("getcfilters", struct.pack("<BI", 0, 0) + stop),
               Raw("getcfheaders", struct.pack("<BI", 0, 1) + stop),
               Raw("getcfcheckpt", b"\0" + stop), Raw("filterclear"))
        if r.random() < 0.05:
            s.send(Raw("getcfilters", struct.pack("<BI", 0, 77) + s.material.unknown(r)))
        s.pause()


def _range(s, command, span):
    """A request for filters up to some block, with as many before it as may be."""
    last = s.rng.randrange(len(s.material.hashes))
    first = max(0, last + 2 - span)
    return Raw(command, struct.pack("<BI", 0, first) + s.material.hashes[last])


def _much(s):
    """Small questions with long answers."""
    r, known = s.rng, s.material.known
    full = Raw("filterload", var_bytes(b"\xff") + struct.pack("<IIB", 1, 0, 0))
    big = max(s.material.blocks, key=lambda b: len(b.txs))
    return r.choice((
        lambda: [GetData([Inv(MSG_WITNESS_BLOCK, known(r)) for _ in range(2000)])],
        lambda: [GetHeaders([s.material.hashes[0]]), GetBlocks([s.material.hashes[0]])],
        lambda: [_range(s, "getcfilters", 1000)] * 3,
        lambda: [_range(s, "getcfheaders", 2000)] * 20,
        lambda: [Raw("mempool"), Raw("getaddr")],
        lambda: [GetBlockTxn(big.hash_bytes, range(len(big.txs)))] * 20,
        lambda: [full, GetData([Inv(MSG_FILTERED_BLOCK, known(r)) for _ in range(500)])],
        lambda: [GetData([Inv(MSG_WTX, r.choice(s.material.txs).wtxid_bytes)
                          for _ in range(5000)])],
        lambda: [Ping(1)] * 100))()


def _stop_reading(s):
    s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.handshake()
    s.reads = False


@attack
def never_reads(s):
    """Asks for much and takes none of it."""
    _stop_reading(s)
    while True:
        s.send(*_much(s))
        s.pause()


@attack
def reads_slowly(s):
    """Asks for much and takes it octet by octet."""
    _stop_reading(s)
    while True:
        s.send(*_much(s))
        s._receive(1)
        s.pause(0.1)


@attack
def writes_slowly(s):
    """The largest messages octet by octet, once it is a peer."""
    s.handshake()
    big = Raw(s.rng.choice(TYPES), s.rng.randbytes(MAX_PAYLOAD))
    data = s._wrap(big)
    at = s.rng.choice((1, 20, 30, 100_000, len(data) - 100))
    s.raw(data[:at])
    _dribble(s, data[at:])


# blocks ------------------------------------------------------------------
def _on_tip(s):
    """The header of a block that nobody has."""
    tip = s.material.tip
    return Header(prev=tip.hash_bytes, merkle=s.material.unknown(s.rng), time=tip.time + 1).solve()


@attack
def bogus_headers(s):
    """Chains of little work, without a parent, out of order, unsolved, and promises."""
    s.handshake()
    r, low = s.rng, s.material.low_work
    unsolved = Header(prev=s.material.tip.hash_bytes, merkle=bytes(32), bits=0x1d00ffff)
    orphan = Header(prev=s.material.unknown(r), merkle=bytes(32)).solve()
    while True:
        s.send(r.choice((Headers(low), Headers(low), Headers(low[50:]), Headers([orphan]),
                         Headers([_on_tip(s)]), Headers([unsolved]),
                         Headers([low[3], low[1]]), Headers([]))))
        s.pause()


@attack
def bogus_compact_blocks(s):
    """Compact blocks of a tip that does not exist, and wrong answers to getblocktxn."""
    s.handshake(SendCmpct(True))
    r = s.rng
    while True:
        header = _on_tip(s)
        ids = [r.getrandbits(48) for _ in range(r.choice((1, 10, 3000)))]
        coinbase = s.material.tip.txs[0]
        prefilled = [(r.choice((0, 0, 0, len(ids), 60000)), coinbase)]
        s.send(CmpctBlock(header, r.getrandbits(64), ids * r.choice((1, 1, 2)), prefilled))
        s.pause()
        s.send(BlockTxn(header.hash_bytes, [coinbase] * r.choice((0, 1, len(ids)))),
               GetBlockTxn(s.material.known(r), range(r.choice((1, 200)))))
        s.pause(0.1)


@attack
def bogus_blocks(s):
    """Unasked, mutated, stripped, empty, and of chains of their own."""
    s.handshake()
    r = s.rng
    while True:
        block = r.choice(s.material.blocks).copy()
        how = r.randrange(4)
        if how == 0:
            block.txs = block.txs * 2
        elif how == 1:
            block.txs = []
        elif how == 2:
            block.prev = s.material.unknown(r)
            block.solve()
        s.send(BlockMsg(block, witness=r.random() < 0.5))
        s.pause()


# attackers ---------------------------------------------------------------
class Attacker(threading.Thread):
    """Comes again as often as it is thrown out, each time with another attack."""

    def __init__(self, port, seed, material, names=None):
        super().__init__(daemon=True)
        self.port, self.rng, self.material = port, random.Random(seed), material
        self.names = names or sorted(ATTACKS)
        self.done = threading.Event()
        self.count = dict.fromkeys(self.names, 0)
        self.octets = 0
        self.failure = None

    def run(self):
        while not self.done.is_set():
            name = self.rng.choice(self.names)
            try:
                self._live(name)
            except OSError:
                self.done.wait(0.05)
            except Exception as e:     # a bug of ours: the test reports it
                self.failure = e
                return

    def _live(self, name):
        session = Session(self.port, self.rng, self.material, self.done)
        try:
            ATTACKS[name](session)
        except Over:
            pass
        finally:
            session.close()
            self.count[name] += 1
            self.octets += session.sent

    def finish(self):
        """After done was set."""
        self.join(20)
        if self.failure:
            raise self.failure
