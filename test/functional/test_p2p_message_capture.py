"""-capturemessages: every message of a peer, in and out, in files of its own."""
import os
import struct


def _records(path):
    """Yields time, type, payload of each."""
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        when, kind, size = struct.unpack("<q12sI", data[at:at + 24])
        yield when, kind.rstrip(b"\0").decode(), data[at + 24:at + 24 + size]
        at += 24 + size
    assert at == len(data)


def test_messages_are_captured(lab, params):
    node = lab.node("-capturemessages", "-v2transport=0", params=params)
    node.set_time(1_800_000_000)
    peer = node.add_peer()
    port = peer.sock.getsockname()[1]
    node.stop()
    (directory,) = os.listdir(node.path("message_capture"))
    assert directory == f"127.0.0.1_{port}"
    received, sent = (list(_records(node.path("message_capture", directory, name)))
                      for name in ("msgs_recv.dat", "msgs_sent.dat"))
    kinds = [kind for _, kind, _ in received]
    assert kinds[0] == "version" and {"verack", "sendaddrv2", "wtxidrelay", "ping"} <= set(kinds)
    kinds = [kind for _, kind, _ in sent]
    assert kinds[0] == "version" and {"verack", "pong", "sendcmpct"} <= set(kinds)
    assert all(when == 1_800_000_000_000_000 for when, _, _ in received + sent)
    payload = next(p for _, kind, p in received if kind == "version")
    assert struct.unpack("<i", payload[:4])[0] == peer.version_number


def test_nothing_is_captured_unless_asked_for(lab, params):
    node = lab.node(params=params)
    node.add_peer()
    node.stop()
    assert not os.path.exists(node.path("message_capture"))


def test_addresses_in_the_log_only_when_asked_for(lab, params):
    node = lab.node(params=params)
    node.add_peer()
    assert "peeraddr=" not in node.log() and "them=" not in node.log()
    node.restart("-logips")
    start = node.log_size()
    port = node.add_peer().sock.getsockname()[1]
    log = node.log(start)
    assert f", peeraddr=127.0.0.1:{port}" in log and "them=" in log
