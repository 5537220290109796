"""loadtxoutset: what it refuses, the two chain states, and the validation behind."""
import os

import pytest

from framework.rpc import expect_error
from framework.snapshot import (Source, chainstates, set_of, wait_validated)
from framework.util import wait_until

HEADER = 51


@pytest.fixture(scope="module")
def source(module_lab, params):
    return Source(module_lab.node(params=params))


@pytest.fixture
def beginner(source, lab):
    return lab.node(source.option, params=source.params)


# -- the way ------------------------------------------------------------------

def test_load_sync_and_validate(source, lab):
    node = lab.node(source.option, params=source.params)
    before, base = chainstates(node), source.base
    assert [s["validated"] for s in before] == [True]
    reply = source.load(node)
    assert reply == {"coins_loaded": base["coins_written"], "path": source.file,
                     "tip_hash": base["base_hash"], "base_height": base["base_height"]}
    assert node.getbestblockhash() == base["base_hash"]
    old, new = chainstates(node)
    assert (old["blocks"], old["validated"]) == (0, True)
    assert "snapshot_blockhash" not in old
    assert (new["blocks"], new["validated"]) == (base["base_height"], False)
    assert new["snapshot_blockhash"] == base["base_hash"]
    total = before[0]["coins_tip_cache_bytes"]
    assert old["coins_tip_cache_bytes"] + new["coins_tip_cache_bytes"] <= total
    assert node.getblockchaininfo()["blocks"] == base["base_height"]
    assert node.gettxoutsetinfo()["hash_serialized_3"] == base["txoutset_hash"]
    # no history to give away yet
    services = node.getnetworkinfo()["localservicesnames"]
    assert "NETWORK" not in services and "NETWORK_LIMITED" in services
    expect_error(-1, "Block not", node.getblock, node.getblockhash(3))

    node.connect(source.node)
    wait_until(lambda: node.getbestblockhash() == source.node.getbestblockhash())
    wait_validated(node)
    (only,) = chainstates(node)
    assert only["validated"] and only["snapshot_blockhash"] == base["base_hash"]
    assert "NETWORK" in node.getnetworkinfo()["localservicesnames"]
    assert set_of(node) == set_of(source.node)
    assert os.path.exists(node.path("chainstate_snapshot"))
    # the next start puts the directories in order
    node.restart()
    assert not os.path.exists(node.path("chainstate_snapshot"))
    (only,) = chainstates(node)
    assert only["validated"] and "snapshot_blockhash" not in only
    assert set_of(node) == set_of(source.node)
    assert node.verifychain(4, 0)
    # the data of the option are not needed any more
    node.args.remove(source.option)
    node.restart()
    assert set_of(node) == set_of(source.node)
