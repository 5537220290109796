"""SIGKILL at random moments while a wallet receives, rescans, and during reorgs, and power
cuts that lose what was not synced: no coin is forgotten, nothing that the wallet told is
untrue, and balances equal what the UTXO set says.

6 kills and 4 cuts in a normal run, 120 and 50 with OCHRE_LONG=1.
"""
import random
import threading
import time

from framework.disklayer import PowerCut
from framework.keywallet import KeyWallet
from framework.node import StartError
from framework.preload import build_layer
from framework.rpc import RPCError
from framework.util import LONG
from framework.wallet import MiniWallet

KILLS = 120 if LONG else 6
CUTS = 50 if LONG else 4
# BIP 32, test vector 1, in the test networks' prefix
HD_KEY = ("tprv8ZgxMBicQKsPeDgjzdC36fs6bMjGApWDNLR9erAXMs5skhMv36j9MV5ecvfavji5khqjWaWSFhN"
          "3YcCUUdiKH6isR4Pwy3U5y5egddBr16m")


def _gone(e):
    """The error of a call whose server was killed."""
    return isinstance(e, (OSError, RPCError, ValueError, AssertionError)) or \
        "http" in type(e).__module__


def _confirmed(wallet):
    """Confirmed coins as the wallet has them: trusted and immature."""
    mine = wallet.getbalances()["mine"]
    pool = [wallet.node.getrawtransaction(t, True) for t in wallet.node.getrawmempool()]
    assert not any(o["scriptPubKey"].get("address") == wallet.address
                   for t in pool for o in t["vout"]), "the mempool should be empty"
    return wallet.units(mine["trusted"] + mine["immature"])


def _truth(wallet):
    found = wallet.node.scantxoutset("start", [f"raw({wallet.script.hex()})"])
    return wallet.units(found["total_amount"])


class Worker(threading.Thread):
    """Keeps a wallet busy until the node is gone."""

    def __init__(self, node, wallet, bank, seed):
        super().__init__()
        self.node, self.wallet, self.bank = node, wallet, bank
        self.rng = random.Random(seed)

    def pay(self):
        self.bank.send_to(self.wallet.script, self.rng.randrange(1000, 9000))

    def reward(self):
        self.node.generatetoaddress(1, self.wallet.address)

    def mine(self):
        self.bank.generate(1)

    def reorg(self):
        height = self.node.getblockcount()
        depth = self.rng.randrange(1, 4)
        self.node.invalidateblock(self.node.getblockhash(height - depth))
        self.node.generatetodescriptor(depth + 2, "raw(51)")

    def rescan(self):
        self.wallet.rescanblockchain()

    def reload(self):
        self.node.unloadwallet(self.wallet.name)
        self.node.loadwallet(self.wallet.name, True)

    def run(self):
        jobs = [self.pay] * 6 + [self.mine] * 3 + [self.reward, self.reorg, self.rescan,
                                                   self.reload]
        try:
            while True:
                self.rng.choice(jobs)()
        except Exception as e:
            if not _gone(e):
                raise


def _after_a_crash(node, wallet):
    """The wallet loads, and agrees with the chain once nothing is pending."""
    if "w" not in node.listwallets():       # killed while it was unloaded
        node.loadwallet("w", True)
    while node.getrawmempool():             # what the wallet has sent again
        node.generatetodescriptor(1, "raw(51)")
    assert _confirmed(wallet) == _truth(wallet)


def test_killed_at_random_moments(lab, bitcoin):
    rng = random.Random(313)
    node = lab.node("-dbcache=4", "-dustrelayfee=0", params=bitcoin)
    MiniWallet(node).generate(130)
    wallet = KeyWallet(node, "w", load_on_startup=True)
    for kill in range(KILLS):
        bank = MiniWallet(node)
        bank.rescan()
        worker = Worker(node, wallet, bank, kill)
        worker.start()
        time.sleep(rng.uniform(0.02, 0.6))
        node.kill()
        worker.join(60)
        node.start("-persistmempool=0")
        _after_a_crash(node, wallet)
        before = wallet.listtransactions("*", 10 ** 6)
        ids = {e["txid"] for e in before if e["confirmations"] > 0}
        wallet.rescanblockchain()
        after = {e["txid"] for e in wallet.listtransactions("*", 10 ** 6)
                 if e["confirmations"] > 0}
        assert ids == after, "a rescan found what the wallet had forgotten"


def _told(node, wallet, bank, told, rng):
    """Gathers what the wallet says until the layer ends the process."""
    try:
        while True:
            told["addresses"].add(wallet.getnewaddress())
            bank.send_to(wallet.script, rng.randrange(1000, 9000))
            told["txids"].update(e["txid"] for e in wallet.listtransactions("*", 3))
            if rng.random() < 0.3:
                bank.generate(1)
    except Exception as e:  # the process died under the call
        assert node.process.wait(60) == -9, e


def test_power_cuts(lab, bitcoin, tmp_path):
    """Addresses and transactions that the wallet has told of are there after a cut."""
    rng = random.Random(11)
    node = lab.node(params=bitcoin)
    MiniWallet(node).generate(130)
    wallet = KeyWallet(node, "w", load_on_startup=True)
    key = "wpkh(" + HD_KEY + "/*)"
    key += "#" + node.getdescriptorinfo(key)["checksum"]
    assert wallet.importdescriptors([{"desc": key, "timestamp": "now", "active": True,
                                      "range": 100}])[0]["success"]
    node.stop()
    cut = PowerCut(node, build_layer(str(tmp_path), "disklayer"), str(tmp_path / "journal"))
    told = {"addresses": set(), "txids": set()}
    lost = 0
    for _ in range(CUTS):
        try:
            node.start(env=cut.env(after=rng.randrange(900, 3000)))
            bank = MiniWallet(node)
            bank.rescan()
            _told(node, wallet, bank, told, rng)
        except StartError as e:
            assert e.status == -9, e      # the cut came while it started
        except OSError:
            pass                          # or while the chain was looked at
        if node.process is not None:
            node.kill()
        lost += cut.cut(rng)
        node.start("-persistmempool=0")
        _after_a_crash(node, wallet)
        assert all(wallet.getaddressinfo(a)["ismine"] for a in told["addresses"])
        assert wallet.getnewaddress() not in told["addresses"]
        for txid in told["txids"]:
            assert wallet.gettransaction(txid)["txid"] == txid
        node.stop()
    assert lost > 0 and told["addresses"], "the layer never lost a write"
