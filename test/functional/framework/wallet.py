"""MiniWallet: coins that need no wallet, for tests that need transactions."""
from dataclasses import dataclass

from . import address, script, sighash
from .key import Key
from .primitives import Block, OutPoint, Tx, TxIn, TxOut

MATURITY = 100
OP_TRUE_LEAF = b"\x51"


@dataclass
class Utxo:
    txid: str
    vout: int
    value: int        # base units
    height: int       # 0: unconfirmed
    coinbase: bool = False

    @property
    def outpoint(self):
        return OutPoint(self.txid, self.vout)


class MiniWallet:
    """mode: "tr" anyone-can-spend taproot leaf, "raw" bare OP_TRUE, "p2pk" one key."""

    def __init__(self, node, mode="tr", tag=""):
        self.node, self.params, self.mode = node, node.params, mode
        self.utxos = []
        self.key = Key.from_seed("miniwallet" + tag)
        self.taproot = script.Taproot(self.key.xonly, ("true", OP_TRUE_LEAF))
        self.script_pubkey = {
            "tr": self.taproot.script_pubkey,
            "raw": OP_TRUE_LEAF,
            "p2pk": script.p2pk(self.key.pubkey),
        }[mode]
        self.address = address.p2tr(self.params, self.taproot.output_key)

    # coins ----------------------------------------------------------------
    def descriptor(self):
        return f"raw({self.script_pubkey.hex()})"

    def generate(self, count, sync=True):
        """Mines blocks that pay us."""
        hashes = self.node.generatetodescriptor(count, self.descriptor())
        if sync:
            self.scan_blocks(hashes)
        return hashes

    def scan_blocks(self, hashes):
        heads = self.node.rpc.many("getblockheader", ([h] for h in hashes))
        raw = self.node.rpc.many("getblock", ([h, 0] for h in hashes))
        for head, block in zip(heads, raw):
            for tx in Block.from_hex(block).txs:
                self.scan_tx(tx, head["height"])

    def rescan(self):
        """Reads the whole chain and the mempool again."""
        self.utxos = []
        heights = range(1, self.node.getblockcount() + 1)
        self.scan_blocks(self.node.rpc.many("getblockhash", ([h] for h in heights)))
        for txid in self.node.getrawmempool():
            self.scan_tx(Tx.from_hex(self.node.getrawtransaction(txid)))

    def scan_tx(self, tx, height=0):
        spent = {(i.prevout.txid, i.prevout.n) for i in tx.vin}
        self.utxos = [u for u in self.utxos
                      if (u.outpoint.txid, u.outpoint.n) not in spent
                      and not (u.txid == tx.txid and not u.height)]
        for n, out in enumerate(tx.vout):
            if out.script_pubkey == self.script_pubkey:
                self.utxos.append(Utxo(tx.txid, n, out.value, height, tx.is_coinbase()))

    def balance(self):
        return sum(u.value for u in self.utxos)

    def spendable(self, confirmed_only=False):
        tip = self.node.getblockcount()
        return [u for u in self.utxos
                if (not u.coinbase or tip + 1 - u.height >= MATURITY)
                and (u.height or not confirmed_only)]

    def get_utxo(self, txid=None, vout=None, confirmed_only=False, keep=False):
        """Takes a coin: the named one, else the largest mature one."""
        if txid is not None:
            found = [u for u in self.utxos if u.txid == txid and vout in (None, u.vout)]
        else:
            found = sorted(self.spendable(confirmed_only),
                           key=lambda u: (-u.value, u.height or 1 << 30))
        assert found, "MiniWallet has no such coin"
        if not keep:
            self.utxos.remove(found[0])
        return found[0]

    def get_utxos(self, count, confirmed_only=True):
        return [self.get_utxo(confirmed_only=confirmed_only) for _ in range(count)]

    # transactions ---------------------------------------------------------
    def sign(self, tx, utxos=()):
        for i, txin in enumerate(tx.vin):
            if self.mode == "tr":
                txin.witness = self.taproot.script_witness("true")
            elif self.mode == "raw":
                txin.script_sig = b"\x61" * 24     # or it would be too small to relay
            elif self.mode == "p2pk":
                sighash.sign_p2pk(tx, i, self.key, self.script_pubkey)
        return tx

    def create(self, utxos=None, outputs=1, fee=None, fee_rate=None, sequence=None,
               version=2, locktime=0, target_vsize=0, amounts=None, confirmed_only=False,
               script_pubkey=None, extra_outputs=()):
        """A signed transaction to ourselves. fee in base units, fee_rate per kvB."""
        if utxos is None:
            utxos = [self.get_utxo(confirmed_only=confirmed_only)]
        elif isinstance(utxos, Utxo):
            utxos = [utxos]
        sequences = sequence if isinstance(sequence, (list, tuple)) \
            else [0xffffffff if sequence is None else sequence] * len(utxos)
        spk = script_pubkey or self.script_pubkey
        tx = Tx([TxIn(u.outpoint, sequence=s) for u, s in zip(utxos, sequences)],
                [TxOut(0, spk) for _ in range(outputs)] + list(extra_outputs),
                version, locktime)
        self._pad(tx, utxos, target_vsize)
        total = sum(u.value for u in utxos) - sum(o.value for o in extra_outputs)
        if fee is None:
            rate = 3000 if fee_rate is None else fee_rate
            fee = -(-self.sign(tx.copy(), utxos).vsize * rate // 1000)
        share, rest = divmod(total - fee, outputs)
        for i in range(outputs):
            tx.vout[i].value = amounts[i] if amounts else share + (rest if i == 0 else 0)
        return self.sign(tx, utxos)

    def _pad(self, tx, utxos, target_vsize):
        """Grows the transaction to target_vsize with an OP_RETURN output."""
        if not target_vsize:
            return
        tx.vout.append(TxOut(0, b"\x6a"))
        missing = target_vsize - self.sign(tx.copy(), utxos).vsize
        assert missing >= 0, "target_vsize is too small"
        if missing > 250:
            missing -= 2     # the script's length prefix grows
        tx.vout[-1].script_pubkey = b"\x6a" + b"\x51" * missing
        assert abs(self.sign(tx.copy(), utxos).vsize - target_vsize) <= 1

    def outputs_of(self, tx):
        """Our coins in an unconfirmed transaction."""
        return [Utxo(tx.txid, n, o.value, 0) for n, o in enumerate(tx.vout)
                if o.script_pubkey == self.script_pubkey]

    def broadcast(self, tx, **kwargs):
        txid = self.node.sendrawtransaction(hexstring=tx.hex(), **kwargs)
        assert txid == tx.txid
        self.scan_tx(tx)
        return txid

    def send(self, **kwargs):
        """Creates and broadcasts; returns the transaction."""
        tx = self.create(**kwargs)
        self.broadcast(tx)
        return tx

    def send_to(self, script_pubkey, value, fee=1000, **kwargs):
        """Pays a script; returns (transaction, output index)."""
        tx = self.create(fee=fee, extra_outputs=[TxOut(value, script_pubkey)], **kwargs)
        self.broadcast(tx)
        return tx, len(tx.vout) - 1

    def chain(self, count, utxo=None, **kwargs):
        """Creates a chain of unconfirmed transactions (not sent)."""
        utxo = utxo or self.get_utxo()
        txs = []
        for _ in range(count):
            tx = self.create(utxos=[utxo], **kwargs)
            txs.append(tx)
            utxo = self.outputs_of(tx)[0]
        return txs

    def fill_mempool(self, count):
        return [self.send() for _ in range(count)]


def many_signatures(wallet, inputs, keys=20):
    """A transaction that costs its judge a check of every input's signature with every key.
    The last signature is of a kind that is not relayed, so whoever sends it is not to blame,
    and none covers the outputs: their values can be changed to have another transaction."""
    signers = [Key.from_seed(f"signer {i}") for i in range(keys)]
    code = script.multisig(1, [k.pubkey for k in signers])
    funding = wallet.send(confirmed_only=True, fee=100_000, extra_outputs=[
        TxOut(5000, script.p2wsh(code)) for _ in range(inputs)])
    wallet.generate(1)
    coins = [n for n, o in enumerate(funding.vout) if o.value == 5000]
    tx = Tx([TxIn(OutPoint(funding.txid, n)) for n in coins],
            [TxOut(1000 * inputs, script.p2wpkh(signers[0].pubkey))])
    for i in range(inputs):
        digest = sighash.segwit_v0(code, tx, i, sighash.NONE, 5000)
        signature = signers[0].sign_ecdsa(digest, low_s=i < inputs - 1)
        tx.vin[i].witness = [b"", signature + bytes([sighash.NONE]), code]
    return tx
