"""peers.dat: made, kept, refused when damaged, set aside when from a newer version."""
import os
import struct

import pytest

from framework.hashes import hash256


@pytest.fixture
def node(lab, params):
    node = lab.node("-checkaddrman=1", "-connect=0", params=params)
    for i in range(40):
        node.addpeeraddress(f"{11 + i}.2.3.4", 8333, i % 3 == 0)
    node.stop()
    return node


def _read(node):
    with open(node.path("peers.dat"), "rb") as f:
        return f.read()


def _write(node, body, checksum=True):
    with open(node.path("peers.dat"), "wb") as f:
        f.write(body + (hash256(body) if checksum else b""))


def _total(node):
    return node.getaddrmaninfo()["all_networks"]["total"]


def test_absent_file_is_made(node):
    os.unlink(node.path("peers.dat"))
    start = node.log_size()
    node.start()
    path = node.path("peers.dat")
    assert (f'Creating new peers.dat because the file was not found ("{path}")'
            in node.log(start))
    assert os.path.exists(path) and _total(node) == 0


def test_file_of_a_newer_version_is_set_aside(node):
    body = _read(node)[:-32]
    _write(node, body[:8] + struct.pack("<I", 99) + body[12:])
    start = node.log_size()
    node.start()
    assert _total(node) == 0
    assert ("because the file version was not compatible" in node.log(start)
            and os.path.exists(node.path("peers.dat.bak")))


@pytest.mark.parametrize("damage, why", [
    (lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], "Checksum mismatch, data corrupted"),
    (lambda b: b[:-1], "Checksum mismatch, data corrupted"),
    (lambda b: b"", "not an address database"),
    (lambda b: b"?" * 200, "not an address database"),
    (lambda b: b[:-42] + hash256(b[:-42]), "end of file"),
    (lambda b: b[:-32] + b"x" + hash256(b[:-32] + b"x"), "end of file"),
])
def test_damaged_file(node, damage, why):
    path = node.path("peers.dat")
    good = _read(node)
    _write(node, damage(good), checksum=False)
    err = node.fails_to_start()
    assert err.startswith(f"Error: Invalid or corrupt peers.dat ({why}). If you believe "
                          "this is a bug, please report it to ")
    assert err.endswith(f'As a workaround, you can move the file ("{path}") out of the '
                        "way (rename, move, or delete) to have a new one created on the "
                        "next start.")
    _write(node, good, checksum=False)
    node.start()
    assert _total(node) > 30
