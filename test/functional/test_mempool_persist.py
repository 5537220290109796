"""mempool.dat: kept over restarts with times and deltas, or not, as told."""
import os
import shutil

import pytest

from framework import fixtures
from framework.rpc import expect_error
from framework.util import wait_until


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(110)


def loaded(node):
    wait_until(lambda: node.getmempoolinfo()["loaded"])


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
    loaded(node)
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
    loaded(node)
    # nothing was written over the old file, so the next start still finds it
    node.restart()
    loaded(node)
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
    loaded(node)
    wallet.send(confirmed_only=True)
    assert node.getrawmempool()
    now = max(e["time"] for e in node.getrawmempool(True).values())
    node.restart(f"-mocktime={now + 15 * 24 * 3600}")
    loaded(node)
    assert node.getrawmempool() == []


@pytest.mark.parametrize("content", [b"", b"\x01", b"\xff" * 100, bytes(16)])
def test_a_damaged_file_does_not_stop_the_node(node, wallet, content):
    node.stop()
    with open(node.path("mempool.dat"), "wb") as f:
        f.write(content)
    node.start()
    loaded(node)
    assert node.getrawmempool() == []
