"""mempool.dat: kept over restarts with times and deltas, or not, as told."""
import os
import shutil

import pytest

from framework import fixtures
from framework.rpc import expect_error


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(110)


def test_pool_survives_a_restart(node, wallet):
    node.set_time(node.getblockheader(node.getbestblockhash())["time"] + 100)
    txs = [wallet.send(confirmed_only=True) for _ in range(4)]
    txs += [wallet.send(utxos=wallet.outputs_of(txs[0]))]
    last = txs[2].txid
    node.prioritisetransaction(last, 0, 1234)
    ghost = "ab" * 32
    node.prioritisetransaction(ghost, 0, 99)
    before = node.getrawmempool(True)
    node.restart()
    after = node.getrawmempool(True)
    assert after == before
    assert after[last]["fees"]["modified"] - after[last]["fees"]["base"] == \
        node.params.amount(1234)
    assert node.getprioritisedtransactions()[ghost] == {"fee_delta": 99,
                                                        "in_mempool": False}


def test_persistence_off(node, wallet):
    size = len(node.getrawmempool())
    assert size
    node.restart("-persistmempool=0")
    assert node.getrawmempool() == []
    # nothing was written over the old file, so the next start still finds it
    node.restart()
    assert len(node.getrawmempool()) == size


def test_savemempool(node, wallet):
    path = node.path("mempool.dat")
    os.remove(path)
    assert node.savemempool() == {"filename": path}
    assert os.path.exists(path)
    saved = sorted(node.getrawmempool())
    backup = path + ".bak"
    shutil.copy(path, backup)
    node.restart("-persistmempool=0")
    assert node.getrawmempool() == []
    assert node.importmempool(backup) == {}
    assert sorted(node.getrawmempool()) == saved
    expect_error(-1, "Unable to import mempool file", node.importmempool, "/nonexistent")


def test_savemempool_reports_failure(node, wallet):
    blocker = node.path("mempool.dat.new")
    os.mkdir(blocker)
    try:
        expect_error(-1, "Unable to dump mempool to disk", node.savemempool)
    finally:
        os.rmdir(blocker)


def test_expired_entries_are_not_loaded(node, wallet):
    node.restart()
    wallet.send(confirmed_only=True)
    assert node.getrawmempool()
    now = max(e["time"] for e in node.getrawmempool(True).values())
    node.restart(f"-mocktime={now + 15 * 24 * 3600}")
    assert node.getrawmempool() == []


@pytest.mark.parametrize("content", [b"", b"\x01", b"\xff" * 100, bytes(16)])
def test_a_damaged_file_does_not_stop_the_node(node, wallet, content):
    node.stop()
    with open(node.path("mempool.dat"), "wb") as f:
        f.write(content)
    node.start()
    assert node.getrawmempool() == []


def file_version(node):
    with open(node.path("mempool.dat"), "rb") as f:
        return int.from_bytes(f.read(8), "little")


def test_both_formats_are_read_by_all(node, wallet):
    """Version 1 is what older programs read; version 2 is disguised by a key."""
    tx = wallet.send(confirmed_only=True)
    node.prioritisetransaction(tx.txid, 0, 77)
    before = node.getrawmempool(True)
    for option, version in (("-persistmempoolv1=1", 1), ("-persistmempoolv1=0", 2),
                            ("-persistmempoolv1=1", 1), ("-persistmempoolv1=1", 1)):
        node.restart(option)
        assert node.getrawmempool(True) == before
        node.savemempool()
        assert file_version(node) == version
    node.prioritisetransaction(tx.txid, 0, -77)


def test_unbroadcast_ones_are_kept(node, wallet):
    """What no peer has asked for is still ours to announce after a restart, and after an
    import when it is wished; a block ends it."""
    node.restart()
    tx = wallet.send(confirmed_only=True)
    size = node.getmempoolinfo()["unbroadcastcount"]
    assert size and node.getmempoolentry(tx.txid)["unbroadcast"]
    node.restart()
    assert node.getmempoolinfo()["unbroadcastcount"] == size
    path = node.savemempool()["filename"]
    copy = path + ".copy"
    shutil.copy(path, copy)
    for wanted in (False, True):
        node.restart("-persistmempool=0")
        node.importmempool(copy, {"apply_unbroadcast_set": wanted})
        assert node.getmempoolentry(tx.txid)["unbroadcast"] is wanted
    node.generatetodescriptor(1, "raw(51)")
    assert node.getmempoolinfo()["unbroadcastcount"] == 0
    os.remove(copy)


def test_what_an_import_applies(node, wallet):
    """Fee changes and times of the file count only when told so."""
    start = node.getblockheader(node.getbestblockhash())["time"] + 10
    node.set_time(start)
    node.restart()
    wallet.rescan()
    tx = wallet.send(confirmed_only=True)
    node.prioritisetransaction(tx.txid, 0, 55)
    ghost = "cd" * 32
    node.prioritisetransaction(ghost, 0, 66)
    time = node.getmempoolentry(tx.txid)["time"]
    copy = node.savemempool()["filename"] + ".copy"
    os.replace(node.path("mempool.dat"), copy)
    for options, delta, kept in (({}, 0, False), ({"apply_fee_delta_priority": True}, 55, False),
                                 ({"use_current_time": False}, 0, True)):
        node.restart("-persistmempool=0")
        node.set_time(time + 1_000)
        assert node.importmempool(copy, options) == {}
        fees = node.getmempoolentry(tx.txid)["fees"]
        assert node.params.units(fees["modified"] - fees["base"]) == delta
        assert (ghost in node.getprioritisedtransactions()) is (delta > 0)
        assert (node.getmempoolentry(tx.txid)["time"] == time) is kept
    # what is there already keeps what it has; deltas add up
    node.importmempool(copy, {"apply_fee_delta_priority": True})
    assert node.getprioritisedtransactions()[ghost]["fee_delta"] == 66
    os.remove(copy)
