"""Hostile peers: random valid, broken, oversized and out-of-order messages from many
connections, while honest nodes go on syncing; memory stays bounded."""
import os
import random
import struct
import threading
import time

from framework.messages import (BlockMsg, GetData, GetHeaders, Headers, Inv, InvMsg, Ping, Raw,
                                TxMsg)
from framework.node import sync_blocks, sync_mempools
from framework.p2p import Peer, frame
from framework.primitives import Block
from framework.util import LONG
from framework.wallet import MiniWallet

SECONDS = 3600 if LONG else 8
CONNECTIONS = 50 if LONG else 20
MEMORY_MIB = 150
TYPES = ("addr addrv2 block blocktxn cmpctblock feefilter filteradd filterclear filterload "
         "getaddr getblocks getblocktxn getdata getheaders headers inv mempool merkleblock "
         "notfound ping pong sendaddrv2 sendcmpct sendheaders tx verack version wtxidrelay "
         "nonsense").split()


class Attacker(threading.Thread):
    """Comes again as often as it is thrown out."""

    def __init__(self, node, seed, material):
        super().__init__(daemon=True)
        self.node, self.rng, self.material = node, random.Random(seed), material
        self.stop, self.sent = False, 0

    def _message(self):
        r = self.rng
        kind = r.randrange(10)
        if kind < 3:
            return Raw(r.choice(TYPES), r.randbytes(r.choice((0, 1, 8, 36, 80, 500))))
        if kind == 3:
            return InvMsg([Inv(r.choice((1, 2, 3, 4, 5, 77)), r.randbytes(32))
                           for _ in range(r.choice((1, 50, 1000)))])
        if kind == 4:
            return GetData([Inv(r.choice((1, 2, 3, 4, 5, 1 << 30 | 2)),
                                r.choice(self.material["hashes"])) for _ in range(30)])
        if kind == 5:
            return GetHeaders([r.choice(self.material["hashes"])], bytes(32))
        if kind == 6:
            return Headers(r.sample(self.material["blocks"], 3))
        if kind == 7:
            return BlockMsg(r.choice(self.material["blocks"]))
        if kind == 8:
            return TxMsg(r.choice(self.material["blocks"]).txs[0])
        return Ping(r.getrandbits(64))

    def _frame(self, message):
        data = bytearray(frame(self.node.params.magic, message.command, message.serialize()))
        damage = self.rng.randrange(200)
        if damage == 0:
            data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
        elif damage == 1:
            data[16:20] = struct.pack("<I", self.rng.getrandbits(32))
        return bytes(data)

    def run(self):
        while not self.stop:
            peer = Peer(self.node.params, handshake=self.rng.random() < 0.95)
            peer.on_inv = peer.on_getheaders = lambda msg: None
            try:
                peer.connect(self.node.p2p_port)
                while not (self.stop or peer.closed or peer.failure):
                    peer.send_raw(self._frame(self._message()))
                    self.sent += 1
                    if self.sent % 20 == 0:
                        time.sleep(0.01)
            except OSError:
                time.sleep(0.05)
            peer.close()


def _memory_mib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) // 1024 for line in f
                    if line.startswith("VmRSS"))


def _is_sanitized(node):
    """Sanitizers keep freed memory on purpose."""
    with open(f"/proc/{node.process.pid}/maps", encoding="ascii") as f:
        maps = f.read()
    return "libasan" in maps or "libtsan" in maps


def test_honest_work_goes_on(lab, params):
    node, friend = (lab.node(params=params) for _ in range(2))
    node.connect(friend)
    wallet = MiniWallet(friend)
    wallet.generate(130)
    sync_blocks([node, friend])
    hashes = [friend.getblockhash(i) for i in range(1, 100)]
    material = {
        "hashes": [bytes.fromhex(h)[::-1] for h in hashes] + [os.urandom(32)],
        "blocks": [Block.from_hex(friend.getblock(h, 0)) for h in hashes[:30]],
    }
    before = _memory_mib(node)
    attackers = [Attacker(node, seed, material) for seed in range(CONNECTIONS)]
    for attacker in attackers:
        attacker.start()
    end = time.monotonic() + SECONDS
    rounds = 0
    # Announcements wait for random times of several seconds, so rounds are counted, not timed;
    # the sync helpers fail when one does not come to an end.
    while time.monotonic() < end or rounds < 2:
        wallet.send(confirmed_only=True)
        sync_mempools([node, friend])
        wallet.generate(1)
        sync_blocks([node, friend])
        rounds += 1
    for attacker in attackers:
        attacker.stop = True
    for attacker in attackers:
        attacker.join(10)
    assert rounds >= 2 and sum(a.sent for a in attackers) > 1000
    assert node.getblockcount() == 130 + rounds
    assert _is_sanitized(node) or _memory_mib(node) - before < MEMORY_MIB
