"""Keys in a tree (BIP 32), from words (BIP 39), and the text of descriptors."""
import hashlib
import hmac

from .address import base58check_encode
from .hashes import hash160
from .key import ORDER, Key

HARDENED = 1 << 31
XPUB = {"main": bytes.fromhex("0488b21e"), "test": bytes.fromhex("043587cf")}
XPRV = {"main": bytes.fromhex("0488ade4"), "test": bytes.fromhex("04358394")}


def seed_of(mnemonic, passphrase=""):
    return hashlib.pbkdf2_hmac("sha512", mnemonic.encode(),
                               b"mnemonic" + passphrase.encode(), 2048)


class HDKey:
    """A private key of the tree."""

    def __init__(self, secret, chain_code, depth=0, parent=bytes(4), number=0):
        self.key, self.chain_code = Key(secret), chain_code
        self.depth, self.parent, self.number = depth, parent, number

    @classmethod
    def from_seed(cls, seed):
        mac = hmac.new(b"Bitcoin seed", seed, hashlib.sha512).digest()
        return cls(mac[:32], mac[32:])

    @classmethod
    def from_words(cls, mnemonic):
        return cls.from_seed(seed_of(mnemonic))

    @property
    def fingerprint(self):
        return hash160(self.key.pubkey)[:4]

    def child(self, number):
        head = b"\0" + self.key.secret if number & HARDENED else self.key.pubkey
        mac = hmac.new(self.chain_code, head + number.to_bytes(4, "big"),
                       hashlib.sha512).digest()
        secret = (int.from_bytes(mac[:32], "big")
                  + int.from_bytes(self.key.secret, "big")) % ORDER
        return HDKey(secret.to_bytes(32, "big"), mac[32:], self.depth + 1,
                     self.fingerprint, number)

    def derive(self, path):
        """Of "84h/1h/0h/0/5"; an m in front and ' for h are fine."""
        node = self
        for step in path.replace("'", "h").split("/"):
            if step != "m":
                node = node.child(int(step.rstrip("h"))
                                  | (HARDENED if step.endswith("h") else 0))
        return node

    def _text(self, version, payload):
        return base58check_encode(version + bytes([self.depth]) + self.parent
                                  + self.number.to_bytes(4, "big") + self.chain_code
                                  + payload)

    def xprv(self, net="test"):
        return self._text(XPRV[net], b"\0" + self.key.secret)

    def xpub(self, net="test"):
        return self._text(XPUB[net], self.key.pubkey)


def checksummed(node, descriptor):
    """With the checksum, keys as they are (private ones, too)."""
    return f"{descriptor}#{node.getdescriptorinfo(descriptor)['checksum']}"
