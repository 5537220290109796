"""What a process listens on, from /proc; and connections that pass on to another."""
import ipaddress
import os
import re
import socket
import struct
import threading

LISTEN = "0A"


def _address(text):
    host, port = text.split(":")
    raw = bytes.fromhex(host)
    words = struct.unpack(f"<{len(raw) // 4}I", raw)
    packed = struct.pack(f">{len(words)}I", *words)
    return str(ipaddress.ip_address(packed)), int(port, 16)


def _inodes(pid):
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            m = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            continue
        if m:
            found.add(m[1])
    return found


def listening(pid):
    """{(address, port)} of its TCP sockets that wait for connections."""
    mine, found = _inodes(pid), set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as f:
                rows = f.read().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            cells = row.split()
            if cells[3] == LISTEN and cells[9] in mine:
                found.add(_address(cells[1]))
    return found


def have_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def callers(server):
    """Who connects, one after another, until the server is closed."""
    while True:
        try:
            sock, _ = server.accept()
        except OSError:
            return
        yield sock


def hang_up(*sockets):
    for s in sockets:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _pass(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    hang_up(source, sink)


def relay(a, b):
    """Passes on what comes, both ways, until one of them ends."""
    back = threading.Thread(target=_pass, args=(b, a), daemon=True)
    back.start()
    _pass(a, b)
    back.join()


def _send_until_full(sock, data, total):
    """Sends the same again and again until nobody takes it; total octets went before.
    Returns how many went in all."""
    sock.settimeout(0.5)
    try:
        while total < 64 << 20:
            total += sock.send(data[total % len(data):])
    except socket.timeout:
        pass
    return total


def send_until_stuck(node, sock, data):
    """Sends the same again and again until the node reads no more of it and nothing goes
    out to this peer, its only one. Returns how many octets went, and what getpeerinfo says."""
    total, state = 0, None
    while True:
        before = state
        total = _send_until_full(sock, data, total)
        (info,) = node.getpeerinfo()
        state = total, info["bytesrecv"], info["bytessent"]
        if state == before:
            return total, info
