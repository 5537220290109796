"""Operators of supernodes: their keys, and the tickets they sign, made without a node."""
import struct

from . import script, ticket
from .codec import var_bytes
from .ed448 import Key as Ed448
from .hashes import hash256
from .key import Key
from .primitives import TxOut

ID_BURN = 10 * 10 ** 5
COLLATERAL = 1000 * 10 ** 5
LIFT_BURN = 10 * 10 ** 5
FEE = 3000


def signed_message_hash(text):
    return hash256(var_bytes(b"Bitcoin Signed Message:\n") + var_bytes(text))


def endpoint(ip, port=9933):
    """An IPv4 endpoint."""
    return b"\x01" + bytes(int(x) for x in ip.split(".")) + struct.pack("<H", port)


class Operator:
    """One supernode's keys. form: the script of the collateral coin."""

    def __init__(self, genesis, name, form="p2wpkh"):
        self.genesis, self.name, self.form = genesis, name, form
        self.id = Ed448.from_seed("id of " + name)
        self.pastelid = self.id.public
        self.opkey = Key.from_seed("operator " + name)
        self.owner = Key.from_seed("owner " + name, compressed=form != "p2pkh-long")
        self.payout = script.p2wpkh(Key.from_seed("payout " + name).pubkey)
        n = int.from_bytes(hash256(name.encode())[:3], "big")
        self.endpoint = endpoint(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        self.collateral = None      # 36 bytes
        self.sn = None              # txid as serialised

    @property
    def collateral_script(self):
        if self.form == "p2tr":
            return script.p2tr(self.owner.tweaked().xonly)
        if self.form == "p2wpkh":
            return script.p2wpkh(self.owner.pubkey)
        return script.p2pkh(self.owner.pubkey)

    def sign_collateral(self, h):
        if self.form == "p2tr":
            return self.owner.tweaked().sign_schnorr(h)
        return self.owner.sign_recoverable(signed_message_hash(h.hex().encode()))

    def sign(self, t, outpoint, roles=("opkey", "collateral", "operator")):
        """Fills in the ticket's signatures of these roles."""
        makers = {"opkey": self.opkey.sign_schnorr, "collateral": self.sign_collateral,
                  "operator": self.id.sign}
        for name, _, *role in t.fields:
            if role and role[0] in roles:
                t.values[name] = makers[role[0]](t.hash(self.genesis, name, outpoint))
        return t

    def fields(self, **changes):
        return {"operator_key": self.opkey.xonly, "payout_script": self.payout,
                "endpoint": self.endpoint, "storage_fee": 1000, "sense_fee": 1000,
                "opkey_sig": b"", "collateral_sig": b"", "operator_sig": bytes(114),
                **changes}

    def id_ticket(self, outpoint):
        t = ticket.Ticket("id", {"pastelid": self.pastelid, "owner_script": self.payout,
                                 "owner_sig": bytes(114)})
        t.values["owner_sig"] = self.id.sign(t.hash(self.genesis, "owner_sig", outpoint))
        return t

    def register_ticket(self, outpoint, sign=True, **changes):
        t = ticket.Ticket("sn-register", {"collateral": self.collateral,
                                          "pastelid": self.pastelid,
                                          **self.fields(**changes)})
        return self.sign(t, outpoint) if sign else t

    def update_ticket(self, outpoint, roles=("operator",), **changes):
        t = ticket.Ticket("sn-update", {"sn": self.sn, **self.fields(**changes)})
        return self.sign(t, outpoint, roles)

    def revoke_ticket(self, outpoint, reason=0):
        t = ticket.Ticket("sn-revoke", {"sn": self.sn, "reason": reason,
                                        "operator_sig": bytes(114)})
        return self.sign(t, outpoint)


def sign_quorum(t, signers, genesis):
    """signers: [(rank, Key)]; fills in the quorum field."""
    t.values["quorum"] = []
    h = t.hash(genesis, "quorum")
    t.values["quorum"] = [(rank, key.sign_schnorr(h)) for rank, key in signers]
    return t


def carry(wallet, make, burn=0, utxo=None, fee=FEE, more=(), spend=()):
    """A transaction with the ticket that make(outpoint of its input 0) gives; more: outputs
    behind the carrier, spend: further coins."""
    utxo = utxo or wallet.get_utxo(confirmed_only=True)
    t = make(utxo.outpoint.serialize())
    payload = t if isinstance(t, bytes) else t.payload()
    return wallet.create(utxos=[utxo, *spend], fee=fee,
                         extra_outputs=[TxOut(burn, ticket.carrier(payload)), *more])


def fund_collaterals(wallet, operators, value=COLLATERAL):
    """Pays every operator's collateral coin; not yet mined."""
    outputs = [TxOut(value, o.collateral_script) for o in operators]
    coins = []
    while sum(u.value for u in coins) < value * len(operators) + FEE:
        coins.append(wallet.get_utxo(confirmed_only=True))
    tx = wallet.send(utxos=coins, extra_outputs=outputs)
    for n, o in enumerate(operators):
        o.collateral = tx.txid_bytes + struct.pack("<I", len(tx.vout) - len(outputs) + n)
    return tx


def register_ids(wallet, operators):
    for o in operators:
        wallet.broadcast(carry(wallet, o.id_ticket, ID_BURN))


def register(wallet, operators, **changes):
    for o in operators:
        tx = carry(wallet, lambda p: o.register_ticket(p, **changes))
        wallet.broadcast(tx)
        o.sn = tx.txid_bytes


def split(wallet, count):
    """One coin becomes many, so that as many transactions need not wait for each other."""
    wallet.broadcast(wallet.create(outputs=count))
    wallet.generate(1)


def start(wallet, operators):
    """From nothing to registered and active supernodes, in four blocks."""
    split(wallet, 2 * len(operators) + 4)
    fund_collaterals(wallet, operators)
    register_ids(wallet, operators)
    wallet.generate(1)
    register(wallet, operators)
    wallet.generate(2)
