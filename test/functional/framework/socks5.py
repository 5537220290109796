"""A SOCKS5 proxy for tests: keeps what it was asked for, answers as told, and may bring
the caller to a destination of the test's."""
import os
import queue
import socket
import struct
import threading
from dataclasses import dataclass

from .sockets import callers, relay

NO_AUTH, USER_PASS, NO_METHOD = 0, 2, 0xff
IPV4, NAME, IPV6 = 1, 3, 4


@dataclass
class Request:
    """What one caller asked for."""
    methods: bytes
    kind: int
    host: str
    port: int
    user: str = None
    password: str = None


def read(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


class Socks5:
    """On a TCP port of a loopback address, or with path= on a Unix socket.

    methods: those it takes, the one it likes best first. reply: code of the reply to a
    request, or bytes instead of the whole reply. targets: maps "host:port" to the
    loopback port that the caller is brought to; others are answered, then left alone.
    script: bytes to send at once instead of any conversation.
    """

    def __init__(self, host="127.0.0.1", path=None, methods=(NO_AUTH,), reply=0,
                 targets=None, script=None):
        self.methods, self.reply, self.script = methods, reply, script
        self.targets = targets or {}
        self.hangs_up = False  # behind the script, or waits for the caller to
        self.requests = queue.Queue()
        self.callers = 0
        self.open = []
        self.path = path
        if path:
            self.server = socket.socket(socket.AF_UNIX)
            self.server.bind(path)
            self.name = f"unix:{path}"
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.server = socket.socket(family)
            self.server.bind((host, 0))
            port = self.server.getsockname()[1]
            self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.server.listen(16)
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)  # ends accept() in its thread
        self.server.close()
        for sock in self.open:
            sock.close()
        if self.path:
            os.unlink(self.path)

    def next(self):
        """The next request, in order of arrival."""
        return self.requests.get(timeout=30)

    def _run(self):
        for sock in callers(self.server):
            self.open.append(sock)
            self.callers += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            if self.script is not None:
                sock.sendall(self.script)
                while not self.hangs_up and sock.recv(4096):
                    pass
            else:
                self._converse(sock)
        except (OSError, EOFError):
            pass
        finally:
            sock.close()

    def _converse(self, sock):
        version, n = read(sock, 2)
        assert version == 5
        offered = read(sock, n)
        method = next((m for m in self.methods if m in offered), NO_METHOD)
        sock.sendall(bytes([5, method]))
        user = password = None
        if method == USER_PASS:
            assert read(sock, 1) == b"\x01"
            user = read(sock, read(sock, 1)[0]).decode()
            password = read(sock, read(sock, 1)[0]).decode()
            sock.sendall(b"\x01\x00")
        version, command, reserved, kind = read(sock, 4)
        assert (version, command, reserved) == (5, 1, 0)
        if kind == NAME:
            host = read(sock, read(sock, 1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET if kind == IPV4 else socket.AF_INET6,
                                    read(sock, 4 if kind == IPV4 else 16))
        port = struct.unpack(">H", read(sock, 2))[0]
        self.requests.put(Request(offered, kind, host, port, user, password))
        self._answer(sock, f"{host}:{port}")

    def _answer(self, sock, wanted):
        if isinstance(self.reply, bytes):
            sock.sendall(self.reply)
        else:
            sock.sendall(bytes([5, self.reply, 0, IPV4, 127, 0, 0, 1, 0, 80]))
        if self.reply:
            return
        if wanted in self.targets:
            far = socket.create_connection(("127.0.0.1", self.targets[wanted]))
            self.open.append(far)
            relay(sock, far)
        else:
            while sock.recv(4096):
                pass
