"""UTXO snapshots: a node with a chain and a file made of it, and nodes that begin there."""
import os
import shutil

from .util import wait_until
from .wallet import MiniWallet


class Source:
    """A node whose chain state at the base, its tip of now, stands in a file."""

    def __init__(self, node, name="snapshot.dat"):
        self.node, self.params = node, node.params
        self.base = node.dumptxoutset(name, "latest")

    @classmethod
    def grow(cls, node, base=140, above=20):
        """With a chain of its own, and a wallet that has kept one early coin."""
        wallet = MiniWallet(node)
        wallet.generate(105)
        coin = wallet.get_utxo(confirmed_only=True)
        while node.getblockcount() < base:
            wallet.send(confirmed_only=True, outputs=4)
            wallet.generate(1)
        source = cls(node)
        source.wallet, source.coin = wallet, coin
        wallet.generate(above)
        return source

    @property
    def option(self):
        """-assumeutxo for this snapshot."""
        b = self.base
        spec = f"{b['base_height']}:{b['base_hash']}:{b['txoutset_hash']}:{b['nchaintx']}"
        if "state_root" in b:
            spec += ":" + b["state_root"]
        return "-assumeutxo=" + spec

    @property
    def file(self):
        return self.base["path"]

    def octets(self):
        with open(self.file, "rb") as f:
            return f.read()

    def give_headers(self, node, up_to=None):
        up_to = self.node.getblockcount() if up_to is None else up_to
        for h in range(1, up_to + 1):
            node.submitheader(self.node.getblockheader(self.node.getblockhash(h), False))

    def give_blocks(self, node, heights):
        for h in heights:
            node.submitblock(self.node.getblock(self.node.getblockhash(h), 0))

    def load(self, node, **kwargs):
        """Headers, then the file."""
        self.give_headers(node, **kwargs)
        return node.loadtxoutset(self.file)


def chainstates(node):
    return node.getchainstates()["chainstates"]


def wait_validated(node):
    wait_until(lambda: len(chainstates(node)) == 1, what="for the history to be validated")


def set_of(node):
    """What must be equal on nodes at one tip."""
    info = node.gettxoutsetinfo("muhash")
    out = {k: info[k] for k in ("height", "bestblock", "txouts", "muhash", "total_amount")}
    if node.params.tickets:
        out["root"] = node.getstateroot()
    return out


def copy_datadir(node, to):
    """The directory of a stopped node for another one, but for its configuration."""
    shutil.rmtree(to.chain_dir, ignore_errors=True)
    os.makedirs(to.dir, exist_ok=True)
    shutil.copytree(node.chain_dir, to.chain_dir)
