"""The two personalities of the daemon as data (doc/spec, base layer)."""
from dataclasses import dataclass
from decimal import Decimal
import hashlib
import struct


def _bitcoin_genesis():
    times = b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
    key = bytes.fromhex(
        "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6"
        "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f")
    script_sig = b"\x04\xff\xff\x00\x1d\x01\x04" + bytes([len(times)]) + times
    script = bytes([len(key)]) + key + b"\xac"
    return _genesis(script_sig, 5_000_000_000, script, 1296688602, 2)


def _ochre_genesis():
    text = b"Ochre: marks that last"
    script_sig = b"\x04\xff\xff\x00\x1d\x01\x04" + bytes([len(text)]) + text
    return _genesis(script_sig, 0, b"\x6a", 1795132802, None)


def _genesis(script_sig, value, script, time, nonce):
    coinbase = (struct.pack("<I", 1) + b"\x01" + bytes(32) + b"\xff" * 4
                + bytes([len(script_sig)]) + script_sig + b"\xff" * 4 + b"\x01"
                + struct.pack("<q", value) + bytes([len(script)]) + script + bytes(4))

    def dsha(data):
        return hashlib.sha256(hashlib.sha256(data).digest()).digest()

    head = (struct.pack("<I", 1) + bytes(32) + dsha(coinbase)
            + struct.pack("<II", time, 0x207fffff))
    if nonce is None:
        nonce = 0
        while dsha(head + struct.pack("<I", nonce))[31] > 0x7f:
            nonce += 1
    return head + struct.pack("<I", nonce) + b"\x01" + coinbase


@dataclass(frozen=True)
class Params:
    name: str
    daemon_args: tuple     # what selects this personality on the command line
    conf: str              # name of the configuration file
    chain_dir: str         # folder under -datadir
    unit: str
    decimals: int
    magic: bytes
    p2p_port: int
    rpc_port: int
    p2pkh: int
    p2sh: int
    wif: int
    hrp: str
    subsidy: int           # base units, before the first halving
    halving: int
    spacing: int
    tickets: bool
    genesis: bytes
    user_agent: str

    @property
    def coin(self):
        return 10 ** self.decimals

    def amount(self, units):
        """Base units as the Decimal that JSON-RPC shows."""
        return Decimal(units).scaleb(-self.decimals)

    def units(self, amount):
        """A JSON-RPC amount as base units."""
        return int(Decimal(amount).scaleb(self.decimals))

    def block_subsidy(self, height):
        return self.subsidy >> (height // self.halving)

    def max_coinbase(self, height, fees=0):
        """What a coinbase may claim while no supernode is active."""
        subsidy = self.block_subsidy(height)
        share = subsidy // 5 if self.tickets else 0
        return subsidy - share + fees


OCHRE = Params(
    name="ochre", daemon_args=("-regtest",), conf="ochre.conf", chain_dir="regtest",
    unit="rPSL", decimals=5, magic=bytes.fromhex("d56fc4e3"),
    p2p_port=18344, rpc_port=18232, p2pkh=111, p2sh=196, wif=239, hrp="rpsl",
    subsidy=6250 * 10 ** 5, halving=150, spacing=150, tickets=True,
    genesis=_ochre_genesis(), user_agent="Ochre")

BITCOIN = Params(
    name="bitcoin", daemon_args=("-bitcoin", "-regtest"), conf="bitcoin.conf",
    chain_dir="regtest", unit="BTC", decimals=8, magic=bytes.fromhex("fabfb5da"),
    p2p_port=18444, rpc_port=18443, p2pkh=111, p2sh=196, wif=239, hrp="bcrt",
    subsidy=50 * 10 ** 8, halving=150, spacing=600, tickets=False,
    genesis=_bitcoin_genesis(), user_agent="Ochre")

PERSONALITIES = (OCHRE, BITCOIN)
