"""Power cuts while wallets are made, encrypted, imported into and hand out addresses: what
was confirmed is on the disk. 5 cuts in a normal run, 100 with OCHRE_LONG=1."""
import random

import pytest

from framework.disklayer import PowerCut
from framework.node import StartError
from framework.params import BITCOIN
from framework.preload import build_layer
from framework.util import LONG

CUTS = 100 if LONG else 5
PASS = "power cut passphrase"
XPUB = ("tpubD6NzVbkrYhZ4YNXVQbNhMK1WqguFsUXceaVJKbmno2aZ3B6QfbMeraaYvnBSGpV3vxLyTTK9DYT1yoE"
        "ck4XUScMzXoQ2U2oSmE2JyMedq3H")


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    return build_layer(str(tmp_path_factory.mktemp("layer")), "disklayer")


class Truth:
    """What the node has confirmed."""

    def __init__(self):
        self.keys = {}       # wallet -> its first master key
        self.sealed = set()
        self.addresses = []  # (wallet, address)
        self.imports = []    # (wallet, address of the last position)

    def check(self, node):
        for name, key in self.keys.items():
            node.loadwallet(name)
            w = node.wallet(name)
            if "unlocked_until" in w.getwalletinfo():
                w.walletpassphrase(PASS, 1000)
            else:
                assert name not in self.sealed, "a confirmed encryption was lost"
            assert key in {k["xprv"] for k in w.gethdkeys(private=True)}
        for name, address in self.addresses:
            info = node.wallet(name).getaddressinfo(address)
            assert info["ismine"] and info["labels"] == ["given"], (name, address)
        for name, address in self.imports:
            node.loadwallet(name)
            assert node.wallet(name).getaddressinfo(address)["ismine"]


def work(node, truth, i, rng):
    """Until the layer kills the process."""
    for j in range(100):
        name = f"w{i}.{j}"
        node.createwallet(name)
        w = node.wallet(name)
        truth.keys[name] = w.gethdkeys(private=True)[0]["xprv"]
        for _ in range(rng.randrange(4)):
            truth.addresses.append((name, w.getnewaddress("given")))
        if rng.random() < 0.5:
            w.encryptwallet(PASS)
            truth.sealed.add(name)
        watch = f"watch {name}"
        node.createwallet(watch, disable_private_keys=True)
        desc = node.getdescriptorinfo(f"tr({XPUB}/{i}/{j}/*)")["descriptor"]
        w = node.wallet(watch)
        assert w.importdescriptors([{"desc": desc, "timestamp": "now",
                                     "range": [0, 20]}])[0]["success"]
        truth.imports.append((watch, node.deriveaddresses(desc, [20, 20])[0]))


def test_what_is_confirmed_stays(lab, layer, tmp_path):
    rng = random.Random(2026)
    node = lab.node("-keypool=10", params=BITCOIN, start=False)
    cut = PowerCut(node, layer, str(tmp_path / "journal"))
    lost = 0
    for i in range(CUTS):
        truth = Truth()
        try:
            node.start(env=cut.env(after=rng.randrange(200, 1500)))
            work(node, truth, i, rng)
        except StartError as e:
            assert e.status == -9, e   # the cut came while it started
        except Exception as e:   # the process died under the call
            assert node.process.wait(60) == -9, e
        if node.process is not None:
            node.kill()
        lost += cut.cut(rng)
        node.start()
        truth.check(node)
        node.stop()
    assert lost > 0, "the layer never lost a write"
