"""A controller of Tor for tests: PROTOCOLINFO, the three ways to authenticate, GETINFO of
the SOCKS listeners and ADD_ONION; and whatever else it is told to say."""
import base64
import hashlib
import hmac
import os
import socket
import threading

from .sockets import callers

SERVER_KEY = b"Tor safe cookie authentication server-to-controller hash"
CLIENT_KEY = b"Tor safe cookie authentication controller-to-server hash"


def onion_name(key):
    """Of a service's public key."""
    check = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + check + b"\x03").decode().lower()


class TorController:
    """methods: as PROTOCOLINFO lists them. replies: first word of a command to what is
    sent instead of the usual answer (bytes), or None to hang up."""

    def __init__(self, methods="NULL", password=None, cookie_file=None,
                 socks='"127.0.0.1:9050"'):
        self.methods, self.password, self.socks = methods, password, socks
        self.cookie_file = cookie_file
        self.cookie = os.urandom(32)
        if cookie_file:
            with open(cookie_file, "wb") as f:
                f.write(self.cookie)
        self.replies = {}
        self.keys = {}         # private key as text -> public key
        self.services = []     # of all connections: (id, port and target)
        self.commands = []     # lines as they came
        self.connections = 0
        self.sock = None
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.hang_up()

    def hang_up(self):
        if self.sock:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def said(self, word):
        return [c for c in self.commands if c.split(" ")[0] == word]

    def _run(self):
        for self.sock in callers(self.server):
            self.connections += 1
            self.authenticated = False
            try:
                self._serve(self.sock)
            except OSError:
                pass
            self.sock.close()

    def _serve(self, sock):
        with sock.makefile("rb") as lines:
            for line in lines:
                assert line.endswith(b"\r\n")
                command = line[:-2].decode()
                self.commands.append(command)
                word, _, rest = command.partition(" ")
                if word in self.replies:
                    answer = self.replies[word]
                    if answer is None:
                        return
                else:
                    answer = getattr(self, "_" + word.lower())(rest).encode()
                sock.sendall(answer)
                if word == "AUTHENTICATE" and not self.authenticated:
                    return

    def _protocolinfo(self, rest):
        assert rest == "1"
        cookie = ""
        if self.cookie_file:
            quoted = self.cookie_file.replace("\\", "\\\\").replace('"', '\\"')
            cookie = f' COOKIEFILE="{quoted}"'
        return ("250-PROTOCOLINFO 1\r\n"
                f"250-AUTH METHODS={self.methods}{cookie}\r\n"
                '250-VERSION Tor="0.4.8.12"\r\n250 OK\r\n')

    def _authchallenge(self, rest):
        kind, nonce = rest.split(" ")
        assert kind == "SAFECOOKIE"
        server_nonce = os.urandom(32)
        self.text = self.cookie + bytes.fromhex(nonce) + server_nonce
        proof = hmac.new(SERVER_KEY, self.text, "sha256").hexdigest().upper()
        return (f"250 AUTHCHALLENGE SERVERHASH={proof} "
                f"SERVERNONCE={server_nonce.hex().upper()}\r\n")

    def _authenticate(self, rest):
        methods = self.methods.split(",")
        if rest.startswith('"'):
            given = rest[1:-1].replace('\\"', '"')
            self.authenticated = "HASHEDPASSWORD" in methods and given == self.password
        elif rest:
            want = hmac.new(CLIENT_KEY, self.text, "sha256").hexdigest()
            self.authenticated = "SAFECOOKIE" in methods and rest.lower() == want
        else:
            self.authenticated = "NULL" in methods
        return "250 OK\r\n" if self.authenticated else "515 Bad authentication\r\n"

    def _getinfo(self, rest):
        assert self.authenticated and rest == "net/listeners/socks"
        return f"250-net/listeners/socks={self.socks}\r\n250 OK\r\n"

    def _add_onion(self, rest):
        assert self.authenticated
        key, port = rest.split(" ")
        made = key == "NEW:ED25519-V3"
        if made:
            key = "ED25519-V3:" + base64.b64encode(os.urandom(64)).decode()
            self.keys[key] = os.urandom(32)
        if key not in self.keys:
            return "513 Bad key\r\n"
        name = onion_name(self.keys[key])
        self.services.append((name, port.removeprefix("Port=")))
        private = f"250-PrivateKey={key}\r\n" if made else ""
        return f"250-ServiceID={name}\r\n{private}250 OK\r\n"
