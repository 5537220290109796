"""dumptxoutset: the file octet by octet, rollback, refusals."""
import hashlib
import os
import struct
import threading

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


def test_the_file_of_an_earlier_block(node):
    """By height and by hash; the chain is as before, and so is the network."""
    node.setmocktime(GENESIS_TIME + 2)
    node.generatetodescriptor(1, f"addr({ADDRESS})")
    tip = node.getbestblockhash()
    with open(node.path("utxos.dat"), "rb") as f:
        want = f.read()
    cases = [("latest", {"rollback": 100}), ("", {"rollback": 100}),
             ("rollback", {"rollback": node.getblockhash(100)}), ("rollback", {"rollback": 100})]
    expect_error(-8, 'Invalid snapshot type "latest" specified with rollback option',
                 node.dumptxoutset, "x.dat", *cases[0])
    for i, case in enumerate(cases[1:]):
        out = node.dumptxoutset(f"back{i}.dat", *case)
        assert out["base_height"] == 100 and out["nchaintx"] == 101
        with open(out["path"], "rb") as f:
            assert f.read() == want
        assert node.getbestblockhash() == tip
    assert node.getnetworkinfo()["networkactive"]
    out = node.rpc.call("dumptxoutset", path="named.dat", rollback=0)
    assert out["coins_written"] == out["base_height"] == 0 and out["nchaintx"] == 1
    assert node.getbestblockhash() == tip and node.verifychain(4, 0)


def test_rollback_gives_transactions_back(node):
    """What blocks above held is in them again afterwards; the mempool is as before."""
    node.generatetodescriptor(120, "raw(51)")
    coin = node.getblock(node.getblockhash(105), 2)["tx"][0]["txid"]
    raw = node.createrawtransaction([{"txid": coin, "vout": 0}], [{ADDRESS: "49.99"}])
    node.generateblock(ADDRESS, [raw])
    before = (node.getbestblockhash(), node.getrawmempool(), node.gettxoutsetinfo("muhash"))
    node.dumptxoutset("deep.dat", "rollback", {"rollback": 101})
    after = (node.getbestblockhash(), node.getrawmempool(), node.gettxoutsetinfo("muhash"))
    for info in before[2], after[2]:
        del info["disk_size"]
    assert before == after


def test_a_kill_in_between_is_harmless(node):
    """The chain state on disk is that of some block; the next start leads it on."""
    node.generatetodescriptor(400, "raw(51)")
    tip = node.gettxoutsetinfo()["bestblock"]  # what it tells of is on disk
    size = node.log_size()
    with pytest.raises(OSError):
        _kill_after(node, size, "UpdateTip", node.dumptxoutset, "kill.dat", "rollback",
                    {"rollback": 101})
    node.start()
    wait_until(lambda: node.getbestblockhash() == tip)
    assert not os.path.exists(node.path("kill.dat"))
    out = node.dumptxoutset("kill.dat", "rollback", {"rollback": 101})
    assert out["base_height"] == 101


def _kill_after(node, size, line, method, *args):
    """Kills the node once the line is in its log, while the call is under way."""
    process = node.process

    def watch():
        node.wait_log(line, size)
        process.kill()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        method(*args)
    finally:
        watcher.join()
        process.wait()
        node.process = None
        node.rpc.close()


def test_refusals(node):
    expect_error(-8, f"{node.path('utxos.dat')} already exists. If you are sure this is "
                 "what you want, move it out of the way first",
                 node.dumptxoutset, "utxos.dat", "latest")
    expect_error(-8, f"Couldn't open file {node.path('no', 'x.dat')}.incomplete for "
                 "writing.", node.dumptxoutset, "no/x.dat", "latest")
    for kind in ("bogus", ""):
        expect_error(-8, f'Invalid snapshot type "{kind}" specified. Please specify '
                     '"rollback" or "latest"', node.dumptxoutset, "x.dat", kind)
    height = node.getblockcount()
    expect_error(-8, f"Target block height {height + 1} after current tip {height}",
                 node.dumptxoutset, "x.dat", "rollback", {"rollback": height + 1})
    expect_error(-8, "Target block height -1 is negative",
                 node.dumptxoutset, "x.dat", "rollback", {"rollback": -1})
    expect_error(-5, "Block not found", node.dumptxoutset, "x.dat", "rollback",
                 {"rollback": "11" * 32})
    assert not [n for n in os.listdir(node.chain_dir) if n.endswith(".incomplete")]


def test_rollback_to_the_highest_known(node):
    assert node.dumptxoutset("known.dat", "rollback")["base_height"] == 299


def test_pruned_blocks_are_no_way_back(module_lab):
    node = module_lab.node("-prune=1", "-fastprune", params=BITCOIN)
    node.generatetodescriptor(700, "raw(51)")
    node.pruneblockchain(300)
    expect_error(-1, "Could not roll back to requested height since necessary block data "
                 "is already pruned.", node.dumptxoutset, "x.dat", "rollback",
                 {"rollback": 100})
    assert node.dumptxoutset("x.dat", "rollback", {"rollback": 600})["base_height"] == 600


def test_tickets_follow_the_coins(module_lab):
    """On Ochre's networks the file ends in the ticket state, and the reply has its root."""
    node = module_lab.node()
    node.generatetodescriptor(5, "raw(51)")
    out = node.dumptxoutset("utxos.dat", "latest")
    assert out["state_root"] == node.getstateroot()
    with open(out["path"], "rb") as f:
        data = f.read()
    assert data[7:11] == node.params.magic and data[-1] == 0
