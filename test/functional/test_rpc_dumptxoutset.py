"""dumptxoutset: the file octet by octet, rollback, refusals."""
import hashlib
import os
import struct

import pytest

from framework import fixtures
from framework.params import BITCOIN
from framework.rpc import expect_error
from framework.util import wait_until

GENESIS_TIME = 1296688602
# The address of the first of the keys that Bitcoin Core's tests mine with.
ADDRESS = "mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z"

node = fixtures.node(params=BITCOIN)


@pytest.fixture(scope="module", autouse=True)
def chain(node):
    """The chain of rpc_dumptxoutset.py: the same octets as in Bitcoin Core."""
    node.setmocktime(GENESIS_TIME + 1)
    node.generatetoaddress(100, ADDRESS)


def test_the_file_is_bitcoin_cores(node):
    out = node.dumptxoutset("utxos.dat", "latest")
    path = node.path("utxos.dat")
    assert out["coins_written"] == out["base_height"] == 100
    assert out["base_hash"] == node.getbestblockhash() \
        == "09abf0e7b510f61ca6cf33bab104e9ee99b3528b371d27a2d4b39abb800fba7e"
    assert out["path"] == path and out["nchaintx"] == 101
    assert out["txoutset_hash"] == node.gettxoutsetinfo()["hash_serialized_3"] \
        == "a0b7baa3bf5ccbd3279728f230d7ca0c44a76e9923fca8f32dbfd08d65ea496a"
    with open(path, "rb") as f:
        data = f.read()
    assert hashlib.sha256(data).hexdigest() == \
        "31fcdd0cf542a4b1dfc13c3c05106620ce48951ef62907dd8e5e8c15a0aa993b"
    assert data[:11] == b"utxo\xff" + struct.pack("<H", 2) + BITCOIN.magic
    assert data[11:43][::-1].hex() == out["base_hash"]
    assert struct.unpack("<Q", data[43:51]) == (100,)
    assert "state_root" not in out
    assert not os.path.exists(path + ".incomplete")
