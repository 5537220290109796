"""A peer that speaks the P2P protocol (v1 transport), connected in or out.

A thread reads and answers; tests send, look at what came, and wait.
"""
import random
import socket
import struct
import threading
import time

import pytest

from . import jitter
from .hashes import hash256
from .messages import (MSG_BLOCK, MSG_CMPCT_BLOCK, MSG_TX, MSG_WTX, NODE_NETWORK,
                       NODE_WITNESS, PROTOCOL_VERSION, BlockMsg, GetData, Headers, Inv,
                       InvMsg, NetAddress, Ping, Pong, Sendaddrv2, TxMsg, Verack, Version,
                       Wtxidrelay, parse)
from .util import TIMEOUT, wait_until

SERVICES = NODE_NETWORK | NODE_WITNESS


def frame(magic, command, payload):
    return (magic + command.encode().ljust(12, b"\0") + struct.pack("<I", len(payload))
            + hash256(payload)[:4] + payload)


class Peer:
    """Subclass and define on_<command>(msg) to react; return value is ignored."""

    def __init__(self, params, services=SERVICES, version=PROTOCOL_VERSION, relay=True,
                 wtxidrelay=True, addrv2=True, handshake=True,
                 user_agent="/functional:0.1/", now=None):
        self.params = params
        self.services, self.version_number, self.relay = services, version, relay
        self.wtxidrelay, self.addrv2, self.handshake = wtxidrelay, addrv2, handshake
        self.user_agent, self.now = user_agent, now
        self.sock = None
        self.cond = threading.Condition()
        self.log = []            # every message received, in order
        self.last = {}           # by command
        self.count = {}          # by command
        self.closed = False
        self.inbound = True      # as the node sees us
        self.failure = None      # exception raised inside a handler
        self.auto_pong = True
        self.nonce = random.getrandbits(64)
        self._ping = 0

    # connections ----------------------------------------------------------
    def connect(self, port, host="127.0.0.1"):
        sock = socket.create_connection((host, port), timeout=TIMEOUT)
        self._start(sock)
        if self.handshake:
            self.send_version()
        return self

    def listen(self, port=0):
        """Waits for the node to connect out to us; returns our port."""
        self.inbound = False
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("127.0.0.1", port))
        self.server.listen(1)

        def accept():
            self.server.settimeout(TIMEOUT)
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            finally:
                self.server.close()
            self._start(sock)
        threading.Thread(target=accept, daemon=True).start()
        return self.server.getsockname()[1]

    def _start(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(None)
        self.sock = sock
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        if self.sock:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            if threading.current_thread() is not self.thread:
                self.thread.join(TIMEOUT)
            self.sock.close()

    # receiving ------------------------------------------------------------
    def _recv(self, n):
        data = bytearray()
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise ConnectionError
            data += part
        return bytes(data)

    def _run(self):
        try:
            self._read_all()
        except (ConnectionError, OSError):
            pass
        except Exception as e:  # shown by the next wait of the test
            self.failure = e
        with self.cond:
            self.closed = True
            self.cond.notify_all()

    def _read_all(self):
        while True:
            head = self._recv(24)
            payload = self._recv(struct.unpack("<I", head[16:20])[0])
            assert head[:4] == self.params.magic, "foreign magic"
            assert hash256(payload)[:4] == head[20:], "bad checksum"
            jitter.pause()
            command = head[4:16].rstrip(b"\0").decode()
            self._dispatch(command, parse(command, payload))

    def _dispatch(self, command, msg):
        with self.cond:
            self.log.append((command, msg))
            self.last[command] = msg
            self.count[command] = self.count.get(command, 0) + 1
        handler = getattr(self, "on_" + command, None)
        if handler:
            handler(msg)
        with self.cond:
            self.cond.notify_all()

    def on_version(self, msg):
        if not self.handshake:
            return
        if not self.inbound:
            self.send_version()
        if self.wtxidrelay and msg.version >= 70016:
            self.send(Wtxidrelay())
        if self.addrv2:
            self.send(Sendaddrv2())
        self.send(Verack())

    def on_ping(self, msg):
        if self.auto_pong:
            self.send(Pong(msg.value))

    def on_getheaders(self, msg):
        """We know no blocks; silence would keep the node from asking again."""
        self.send(Headers([]))

    def on_inv(self, msg):
        """Asks for everything announced, as an honest peer would."""
        want = [Inv(i.kind | (1 << 30 if i.kind in (MSG_TX, MSG_BLOCK) else 0), i.hash)
                for i in msg.items if i.kind in (MSG_TX, MSG_WTX, MSG_BLOCK)]
        if want:
            self.send(GetData(want))

    # sending --------------------------------------------------------------
    def send_version(self):
        self.send(Version(self.version_number, self.services,
                          int(self.now or time.time()), NetAddress("127.0.0.1"),
                          NetAddress("0.0.0.0"), self.nonce, self.user_agent, -1,
                          self.relay))

    def send_raw(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass     # the wait that follows sees the closed connection

    def send(self, *messages):
        try:
            self._write(messages)
        except OSError:
            pass     # as in send_raw

    def _write(self, messages):
        self.sock.sendall(b"".join(frame(self.params.magic, m.command, m.serialize())
                                   for m in messages))

    # waiting --------------------------------------------------------------
    def wait(self, predicate, timeout=TIMEOUT, what="", connected=True):
        """Waits on messages; predicate sees the peer. Fails when the node hangs up."""
        end = time.monotonic() + timeout
        with self.cond:
            while True:
                value = predicate(self)
                if value:
                    return value
                if self.failure:
                    raise self.failure
                if connected and self.closed:
                    pytest.fail(f"the node closed the connection {what}")
                left = end - time.monotonic()
                if left <= 0:
                    pytest.fail(f"waited {timeout:g} s in vain {what}")
                self.cond.wait(left)

    def wait_for(self, command, predicate=None, timeout=TIMEOUT):
        """The last message of this command once it is there (and fits)."""
        def have(peer):
            msg = peer.last.get(command)
            return msg if msg and (not predicate or predicate(msg)) else None
        return self.wait(have, timeout, f"for {command}")

    def wait_disconnect(self, timeout=TIMEOUT):
        self.wait(lambda p: p.closed, timeout, "for the node to hang up", connected=False)

    def wait_ready(self):
        self.wait_for("verack")
        return self

    def sync(self):
        """After this every earlier message of ours has taken effect, and what the node tells
        us thereupon is here. It handles one message of a peer a turn, and speaks of its own
        accord at the end of the turn: so a second ping shows that the turn of the first is
        over."""
        nonce = self._ping + 2
        self.send(Ping(self._ping + 1), Ping(nonce))
        self._ping = nonce
        self.wait(lambda p: any(c == "pong" and m.value == nonce
                                for c, m in reversed(p.log)), what="for pong")

    def send_and_sync(self, *messages):
        self.send(*messages)
        self.sync()

    def clear(self):
        """Forgets what came so far."""
        with self.cond:
            self.log.clear()
            self.last.clear()
            self.count.clear()

    def received(self, command):
        with self.cond:
            return [m for c, m in self.log if c == command]

    def announced(self, kind=None):
        """Hashes of all inv entries so far."""
        return [i.hash for m in self.received("inv") for i in m.items
                if kind is None or i.kind == kind]


class RelayPeer(Peer):
    """Serves blocks and transactions it was given to the node that asks."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.blocks = {}
        self.order = []
        self.txs = {}

    def add_blocks(self, blocks):
        for b in blocks:
            self.blocks[b.hash_bytes] = b
            self.order.append(b)

    def add_txs(self, txs):
        for t in txs:
            self.txs[t.txid_bytes] = self.txs[t.wtxid_bytes] = t

    def on_inv(self, msg):
        pass

    def on_getheaders(self, msg):
        known = {h for h in msg.locator}
        start = 0
        for i, b in enumerate(self.order):
            if b.hash_bytes in known:
                start = i + 1
        self.send(Headers(self.order[start:start + 2000]))

    def on_getdata(self, msg):
        for inv in msg.items:
            kind = inv.kind & ~(1 << 30)
            if kind in (MSG_BLOCK, MSG_CMPCT_BLOCK) and inv.hash in self.blocks:
                self.send(BlockMsg(self.blocks[inv.hash]))
            elif kind in (MSG_TX, MSG_WTX) and inv.hash in self.txs:
                self.send(TxMsg(self.txs[inv.hash]))

    def send_blocks(self, blocks, node, success=True, reason=None, disconnect=False,
                    force=False):
        """Offers blocks like a peer and checks what the node makes of them."""
        self.add_blocks(blocks)
        tip = blocks[-1].hash
        marker = node.log_size()
        if force:
            for b in blocks:
                self.send(BlockMsg(b))
        else:
            self.send(Headers(blocks[-2000:]))
        if disconnect:
            self.wait_disconnect()
        else:
            wanted = blocks[-1].hash_bytes
            if success:
                wait_until(lambda: node.getbestblockhash() == tip,
                           what=f"for block {tip} as tip")
            elif not force:
                self.wait(lambda p: any(i.hash == wanted for m in p.received("getdata")
                                        for i in m.items), what="for getdata")
            self.sync()
        if success:
            assert node.getbestblockhash() == tip
        else:
            assert node.getbestblockhash() != tip
        if reason:
            node.wait_log(reason, marker)

    def send_txs(self, txs, node, success=True, reason=None):
        marker = node.log_size()
        for t in txs:
            self.send(TxMsg(t))
        self.sync()
        pool = node.getrawmempool()
        for t in txs:
            assert (t.txid in pool) == success, t.txid
        if reason:
            node.wait_log(reason, marker)


class TxPeer(Peer):
    """For transaction relay step by step: asks for nothing, serves nothing by itself."""

    def on_inv(self, msg):
        pass

    def announce(self, *txs):
        """Announces by the id that was agreed on, and waits until the node has read it."""
        self.send_and_sync(InvMsg(
            [Inv(MSG_WTX, t.wtxid_bytes) if self.wtxidrelay else Inv(MSG_TX, t.txid_bytes)
             for t in txs]))

    def requests(self):
        """Inventory entries of all transactions the node has asked for."""
        return [i for m in self.received("getdata") for i in m.items
                if i.kind & ~(1 << 30) in (MSG_TX, MSG_WTX)]

    def asked_for(self, tx):
        """Whether the node has asked for it, by any id."""
        return any(i.hash in (tx.txid_bytes, tx.wtxid_bytes) for i in self.requests())

    def wait_asked(self, *txs):
        for tx in txs:
            self.wait(lambda p: p.asked_for(tx), what=f"for getdata of {tx.txid}")
