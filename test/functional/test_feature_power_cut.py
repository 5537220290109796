"""Power cuts: all writes since the last sync are lost or torn, and nothing breaks.

5 cuts in a normal run, 50 with OCHRE_LONG=1.
"""
import os
import random

import pytest

from framework.crash import busy_chain, check_tip, fingerprint, truth
from framework.node import StartError
from framework.disklayer import PowerCut
from framework.preload import build_layer
from framework.util import LONG, wait_until

CUTS = 50 if LONG else 5


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    return build_layer(str(tmp_path_factory.mktemp("layer")), "disklayer")


@pytest.fixture(scope="module")
def history(module_lab, params):
    chain, order = busy_chain(params, 60, 5)
    node = module_lab.node(params=params)
    return order, truth(node, order), fingerprint(node)


def _work(node, order, rng, hash_type="none"):
    """Blocks and flushes until the layer kills the process."""
    try:
        for block in order:
            node.submitblock(block.hex())
            if rng.random() < 0.2:
                node.gettxoutsetinfo(hash_type)      # writes everything to disk first
    except Exception as e:  # the process died under the call
        assert node.process.wait(60) == -9, e


def test_cut_after_any_write(lab, params, layer, history, tmp_path):
    order, seen, end = history
    rng = random.Random(99)
    node = lab.node(params=params, start=False)
    cut = PowerCut(node, layer, str(tmp_path / "journal"))
    lost = 0
    for _ in range(CUTS):
        try:
            node.start(f"-dbbatchsize={rng.choice((300, 1 << 24))}",
                       env=cut.env(after=rng.randrange(1, 400)))
            _work(node, order, rng)
        except StartError as e:
            assert e.status == -9, e      # the cut came while it started
        if node.process is not None:
            node.kill()
        lost += cut.cut(rng)
        node.start()
        check_tip(node, seen)
        node.stop()
    assert lost > 0, "the layer never lost a write"
    node.start()
    for block in order:
        node.submitblock(block.hex())
    assert fingerprint(node) == end


INDEXES = ("-txindex", "-blockfilterindex", "-coinstatsindex")


def _check_indexes(node):
    """They go on from where they say they stand, and have all that lies below."""
    wait_until(lambda: node.getmempoolinfo()["loaded"])  # and so all blocks connected
    wait_until(lambda: all(i["synced"] for i in node.getindexinfo().values()))
    for height in range(1, node.getblockcount() + 1):
        block = node.getblock(node.getblockhash(height))
        for txid in block["tx"]:
            assert node.getrawtransaction(txid, 1)["blockhash"] == block["hash"]
        assert node.getblockfilter(block["hash"])["filter"]
        assert node.gettxoutsetinfo("muhash", height)["bestblock"] == block["hash"]


@pytest.mark.parametrize("round_", range(CUTS // 5))
def test_indexes(lab, params, layer, history, tmp_path, round_):
    order, _, end = history
    rng = random.Random(f"indexes {round_}")
    node = lab.node(*INDEXES, params=params, start=False)
    cut = PowerCut(node, layer, str(tmp_path / "journal"))
    for _ in range(5):
        try:
            node.start(env=cut.env(after=rng.randrange(100, 700)))
            _work(node, order, rng, "hash_serialized_3")
        except StartError as e:
            assert e.status == -9, e
        if node.process is not None:
            node.kill()
        cut.cut(rng)
        node.start()
        _check_indexes(node)
        node.stop()
    node.start()
    for block in order:
        node.submitblock(block.hex())
    assert fingerprint(node) == end
    _check_indexes(node)


def test_pastelid_files(lab, ochre, layer, tmp_path):
    """A key that newkey has reported is there after the cut, whole."""
    rng = random.Random(5)
    node = lab.node(params=ochre, start=False)
    cut = PowerCut(node, layer, str(tmp_path / "journal"))
    known = []
    for _ in range(CUTS):
        node.start(env=cut.env(after=rng.randrange(1, 120)), wait=False)
        try:
            node.wait_rpc()
            for _ in range(4):
                known.append(node.pastelid("newkey", "a passphrase")["pastelid"])
        except Exception as e:  # the process died under the call
            if node.process is not None:
                assert node.process.wait(60) == -9, e
        if node.process is not None:
            node.kill()
        cut.cut(rng)
        node.start()
        listed = [k["PastelID"] if "PastelID" in k else k["pastelid"]
                  for k in node.pastelid("list")]
        assert set(known) <= set(listed)
        for name in known:
            node.pastelid("sign", "text", name, "a passphrase")
        known = listed
        node.stop()
    assert os.path.isdir(node.chain_dir)
