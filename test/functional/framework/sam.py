"""A SAM 3.1 bridge and the I2P network behind it, for tests: sessions of all callers
reach each other by their destinations."""
import base64
import hashlib
import os
import queue
import socket
import threading

from .sockets import callers, hang_up, relay

PATIENCE = 10          # seconds a caller waits for who is called


def b64(data):
    return base64.b64encode(data, b"-~").decode()


def unb64(text):
    return base64.b64decode(text, b"-~", validate=True)


def new_key():
    """Two public keys, a certificate of 4 octets, and what is private."""
    return os.urandom(384) + b"\x05\x00\x04" + os.urandom(4) + os.urandom(64)


def destination_of(key):
    return key[:387 + int.from_bytes(key[385:387], "big")]


def address_of(destination):
    digest = hashlib.sha256(destination).digest()
    return base64.b32encode(digest).decode().lower().rstrip("=") + ".b32.i2p"


class Session:
    def __init__(self, name, key, sock):
        self.name, self.key, self.sock = name, key, sock
        self.destination = destination_of(key)
        self.accepts = queue.Queue()  # sockets that wait for callers


class SamBridge:
    """replies: the first two words of a command to what is sent instead of the usual
    answer (bytes), or None to hang up."""

    def __init__(self):
        self.sessions = {}   # by id
        self.commands = []   # as they came
        self.replies = {}
        self.open = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.drop()

    def drop(self):
        """Ends all connections, as a router that restarts."""
        hang_up(*self.open)
        self.open, self.sessions = [], {}

    def said(self, words):
        return [c for c in self.commands if c.startswith(words)]

    def session_of(self, address):
        return next((s for s in list(self.sessions.values())
                     if address_of(s.destination) == address), None)

    def listening(self):
        """Addresses where somebody waits for a caller."""
        return {address_of(s.destination) for s in list(self.sessions.values())
                if not s.accepts.empty()}

    def _run(self):
        for sock in callers(self.server):
            self.open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            while line := self._line(sock):
                self.commands.append(line)
                words = line.split(" ")
                verb = " ".join(words[:2])
                values = dict(w.split("=", 1) for w in words[2:] if "=" in w)
                if verb in self.replies:
                    if self.replies[verb] is None:
                        break
                    sock.sendall(self.replies[verb])
                elif getattr(self, "_" + verb.lower().replace(" ", "_"))(sock, values):
                    return  # it is a stream now
        except (OSError, EOFError):
            pass
        sock.close()
        for session in list(self.sessions.values()):  # lasts as long as its maker
            if session.sock is sock:
                del self.sessions[session.name]

    @staticmethod
    def _line(sock):
        line = b""
        while not line.endswith(b"\n"):
            c = sock.recv(1)
            if not c:
                raise EOFError
            line += c
        return line[:-1].decode()

    def _hello_version(self, sock, values):
        assert values == {"MIN": "3.1", "MAX": "3.1"}
        sock.sendall(b"HELLO REPLY RESULT=OK VERSION=3.1\n")

    def _dest_generate(self, sock, values):
        assert values["SIGNATURE_TYPE"] == "7"
        key = new_key()
        sock.sendall(f"DEST REPLY PUB={b64(destination_of(key))} PRIV={b64(key)}\n"
                     .encode())

    def _session_create(self, sock, values):
        assert values["STYLE"] == "STREAM"
        transient = values["DESTINATION"] == "TRANSIENT"
        key = new_key() if transient else unb64(values["DESTINATION"])
        self.sessions[values["ID"]] = Session(values["ID"], key, sock)
        sock.sendall(f"SESSION STATUS RESULT=OK DESTINATION={b64(key)}\n".encode())

    def _naming_lookup(self, sock, values):
        session = self.session_of(values["NAME"])
        sock.sendall((f"NAMING REPLY RESULT=OK NAME={values['NAME']} "
                      f"VALUE={b64(session.destination)}\n" if session else
                      f"NAMING REPLY RESULT=KEY_NOT_FOUND NAME={values['NAME']}\n")
                     .encode())

    def _stream_accept(self, sock, values):
        session = self.sessions.get(values["ID"])
        if not session:
            sock.sendall(b"STREAM STATUS RESULT=INVALID_ID\n")
            return False
        sock.sendall(b"STREAM STATUS RESULT=OK\n")
        session.accepts.put(sock)
        return True

    def _stream_connect(self, sock, values):
        caller = self.sessions.get(values["ID"])
        called = self.session_of(address_of(unb64(values["DESTINATION"])))
        if not caller:
            sock.sendall(b"STREAM STATUS RESULT=INVALID_ID\n")
            return False
        try:                          # the next accept may be under way
            far = called and called.accepts.get(timeout=PATIENCE)
        except queue.Empty:
            far = None
        if not far:
            sock.sendall(b"STREAM STATUS RESULT=CANT_REACH_PEER\n")
            return False
        far.sendall(b64(caller.destination).encode() + b"\n")
        sock.sendall(b"STREAM STATUS RESULT=OK\n")
        relay(sock, far)
        return True
