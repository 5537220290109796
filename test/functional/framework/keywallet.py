"""A wallet of a node whose single key the test has, too: it can make transactions of the
wallet behind the wallet's back."""
from . import script, sighash
from .key import Key
from .primitives import OutPoint, Tx, TxIn, TxOut


class KeyWallet:
    def __init__(self, node, name, seed=None, timestamp="now", **create):
        self.node, self.name, self.params = node, name, node.params
        self.key = Key.from_seed("keywallet" + (seed or name))
        self.script = script.p2wpkh(self.key.pubkey)
        self.address = self.key.p2wpkh(node.params)
        node.createwallet(wallet_name=name, blank=True, **create)
        self.rpc = node.wallet(name)
        self.import_key(timestamp)

    def import_key(self, timestamp):
        result = self.rpc.importdescriptors([{"desc": self.descriptor(), "label": "mine",
                                              "timestamp": timestamp}])
        assert result == [{"success": True}], result

    def descriptor(self):
        text = f"wpkh({self.key.wif(self.params)})"
        return text + "#" + self.node.getdescriptorinfo(text)["checksum"]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.rpc, name)

    def units(self, amount):
        return self.params.units(amount)

    def create(self, coins, outputs, sequence=0xffffffff):
        """coins: (txid, n, base units) of ours; outputs: (script, base units)."""
        tx = Tx([TxIn(OutPoint(txid, n), sequence=sequence) for txid, n, _ in coins],
                [TxOut(value, code) for code, value in outputs])
        for i, (_, _, value) in enumerate(coins):
            sighash.sign_p2wpkh(tx, i, self.key, value)
        return tx

    def send(self, coins, outputs, **kwargs):
        tx = self.create(coins, outputs, **kwargs)
        assert self.node.sendrawtransaction(tx.hex()) == tx.txid
        return tx

    def coin(self, tx, n):
        return tx.txid, n, tx.vout[n].value

    def trusted(self):
        return self.units(self.rpc.getbalances()["mine"]["trusted"])

    def pending(self):
        return self.units(self.rpc.getbalances()["mine"]["untrusted_pending"])

    def immature(self):
        return self.units(self.rpc.getbalances()["mine"]["immature"])
