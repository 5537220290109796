"""Taproot in wallets: every shape of tree, key and script paths, multi_a, watching with
public keys and signing elsewhere (bitcoind's wallet_taproot)."""
import pytest

from framework import fixtures
from framework.address import p2tr
from framework.hd import HDKey, checksummed
from framework.script import NUMS, OPCODES, Taproot, push, push_number

OURS = [HDKey.from_seed(b"taproot, our key %d" % i) for i in range(4)]
OTHERS = [HDKey.from_seed(b"taproot, other %d" % i) for i in range(4)]


node = fixtures.node_of_each("-keypool=5", fallback_fee=20000)
funds = fixtures.rich_wallet("funds", 120)


counter = iter(range(1000))


class Pattern:
    """A descriptor: expressions are 'o0' (ours), 'x0' (another's), 'H' (nobody's);
    leaves are such names, or tuples (k, names...) for multi_a; a list is a branch."""

    def __init__(self, internal, tree=None, sort=False):
        self.internal, self.tree, self.sort = internal, tree, sort
        self.branch = 0

    def fresh(self):
        """With keys from a branch that no other test knows."""
        copy = Pattern(self.internal, self.tree, self.sort)
        copy.branch = next(counter)
        return copy

    def _key(self, name, private):
        if name == "H":
            return NUMS.hex()
        key = (OURS if name[0] == "o" else OTHERS)[int(name[1])]
        text = key.xprv() if private and name[0] == "o" else key.xpub()
        return f"{text}/{self.branch}/*"

    def _tree(self, node, private):
        if isinstance(node, list):
            return "{" + ",".join(self._tree(n, private) for n in node) + "}"
        if isinstance(node, tuple):
            keys = ",".join(self._key(n, private) for n in node[1:])
            return f"{'sortedmulti_a' if self.sort else 'multi_a'}({node[0]},{keys})"
        return f"pk({self._key(node, private)})"

    def descriptor(self, private=False):
        inner = self._key(self.internal, private)
        return f"tr({inner},{self._tree(self.tree, private)})" if self.tree else (
            f"tr({inner})")

    # The same by other means.
    def _xonly(self, name, pos):
        if name == "H":
            return NUMS
        key = (OURS if name[0] == "o" else OTHERS)[int(name[1])]
        return key.derive(f"{self.branch}/{pos}").key.xonly

    def _leaf(self, node, pos):
        if not isinstance(node, tuple):
            return push(self._xonly(node, pos)) + bytes([OPCODES["OP_CHECKSIG"]])
        keys = [self._xonly(n, pos) for n in node[1:]]
        keys = sorted(keys) if self.sort else keys
        code = b"".join(push(k) + bytes([OPCODES["OP_CHECKSIGADD" if i else "OP_CHECKSIG"]])
                        for i, k in enumerate(keys))
        return code + push_number(node[0]) + bytes([OPCODES["OP_NUMEQUAL"]])

    def _scripts(self, node, pos):
        if isinstance(node, list):
            return [self._scripts(n, pos) for n in node]
        self._count += 1
        return (f"leaf{self._count}", self._leaf(node, pos))

    def address(self, params, pos):
        self._count = 0
        tree = self._scripts(self.tree, pos) if self.tree else None
        return p2tr(params, Taproot(self._xonly(self.internal, pos), tree).output_key)


PATTERNS = {
    "key": Pattern("o0"),
    "key before leaf": Pattern("o0", "x0"),
    "leaf": Pattern("H", "o0"),
    "leaf of another's key": Pattern("x0", "o0"),
    "left": Pattern("H", ["o0", "x0"]),
    "right": Pattern("x1", ["x0", "o0"]),
    "deep": Pattern("H", ["x0", ["x1", ["x2", "o0"]]]),
    "deep left": Pattern("H", [[["o0", "x2"], "x1"], "x0"]),
    "both": Pattern("H", [["x0", "o0"], ["o1", "x1"]]),
    "same key twice": Pattern("H", ["o0", "o0"]),
    "one of one": Pattern("H", (1, "o0")),
    "one of two": Pattern("H", (1, "x0", "o0")),
    "two of three": Pattern("H", (2, "o0", "x0", "o1")),
    "three of three": Pattern("x0", (3, "o0", "o1", "o2")),
    "sorted": Pattern("H", (2, "o2", "x0", "o1"), sort=True),
    "multi beside pk": Pattern("H", [(2, "o0", "x0"), "o1"]),
    "multis": Pattern("H", [(2, "x0", "x1"), [(1, "x2", "o0"), (2, "o1", "o2")]]),
}
def import_pattern(node, pattern, private):
    wallet = node.new_wallet(f"tr {next(counter)}", blank=True,
                             disable_private_keys=not private)
    (result,) = wallet.importdescriptors([
        {"desc": checksummed(node, pattern.descriptor(private)), "active": True,
         "internal": False, "timestamp": "now", "range": 4}])
    assert result["success"], result
    return wallet


def check_addresses(node, pattern, wallet):
    for pos in range(2):
        address = wallet.getnewaddress("", "bech32m")
        assert address == pattern.address(node.params, pos)
        info = wallet.getaddressinfo(address)
        assert info["ismine"] and info["solvable"] and info["iswitness"]
        assert node.deriveaddresses(info["desc"]) == [address]


def fund(node, funds, wallet):
    address = wallet.getnewaddress("", "bech32m")
    funds.sendtoaddress(address, 3)
    node.generatetoaddress(1, funds.getnewaddress())
    (coin,) = wallet.listunspent()
    return coin


@pytest.mark.parametrize("name", PATTERNS)
def test_addresses_and_spends(node, funds, name):
    pattern = PATTERNS[name].fresh()
    owner = import_pattern(node, pattern, True)
    check_addresses(node, pattern, owner)
    coin = fund(node, funds, owner)
    txid = owner.sendall([funds.getnewaddress()], fee_rate=20)["txid"]
    entry = node.getmempoolentry(txid)
    # Never less than asked for, whatever leaf it is.
    assert node.params.units(entry["fees"]["base"]) >= 20 * entry["vsize"]
    (block,) = node.generatetoaddress(1, funds.getnewaddress())
    assert txid in node.getblock(block)["tx"]
    (txin,) = node.getrawtransaction(txid, True, block)["vin"]
    assert (txin["txid"], txin["vout"]) == (coin["txid"], coin["vout"])
    by_key = len(txin["txinwitness"]) == 1
    assert by_key is (pattern.internal[0] == "o")
    owner.unloadwallet()


@pytest.mark.parametrize("name", ["key", "leaf", "deep", "two of three", "multis"])
def test_signed_elsewhere(node, funds, name):
    """A wallet of public keys funds, one of private keys signs."""
    pattern = PATTERNS[name].fresh()
    watch, owner = (import_pattern(node, pattern, p) for p in (False, True))
    fund(node, funds, watch)
    created = watch.walletcreatefundedpsbt(
        [], [{funds.getnewaddress(): 1}],
        options={"changeAddress": watch.getnewaddress("", "bech32m")})["psbt"]
    decoded = node.decodepsbt(created)["inputs"][0]
    assert "taproot_internal_key" in decoded
    assert ("taproot_merkle_root" in decoded) is (pattern.tree is not None)
    signed = owner.walletprocesspsbt(created)
    assert signed["complete"]
    final = node.finalizepsbt(signed["psbt"])
    txid = node.sendrawtransaction(final["hex"])
    (block,) = node.generatetoaddress(1, funds.getnewaddress())
    assert txid in node.getblock(block)["tx"]
    watch.unloadwallet()
    owner.unloadwallet()


def test_two_signers_of_a_multi_a(node, funds):
    """Each adds its tapscript signature; together they are enough."""
    pattern = Pattern("H", (2, "o0", "o1")).fresh()
    watch = import_pattern(node, pattern, False)
    fund(node, funds, watch)
    psbt = watch.walletcreatefundedpsbt(
        [], [{funds.getnewaddress(): 1}],
        options={"changeAddress": watch.getnewaddress("", "bech32m")})["psbt"]
    for i in range(2):
        text = pattern.descriptor().replace(OURS[i].xpub(), OURS[i].xprv())
        signer = node.new_wallet(f"signer {i}", blank=True)
        (result,) = signer.importdescriptors([
            {"desc": checksummed(node, text), "timestamp": "now", "range": 4}])
        assert result["success"]
        result = signer.walletprocesspsbt(psbt)
        assert result["complete"] is (i == 1)
        psbt = result["psbt"]
        signer.unloadwallet()
    node.sendrawtransaction(node.finalizepsbt(psbt)["hex"])


def test_output_key_itself(node, funds):
    """rawtr(): the key signs as it is, without a tweak."""
    branch = next(counter)
    wallet = node.new_wallet("rawtr", blank=True)
    (result,) = wallet.importdescriptors([
        {"desc": checksummed(node, f"rawtr({OURS[0].xprv()}/{branch}/*)"),
         "active": True, "timestamp": "now", "range": 4}])
    assert result["success"]
    coin = fund(node, funds, wallet)
    assert coin["address"] == p2tr(node.params, OURS[0].derive(f"{branch}/0").key.xonly)
    txid = wallet.sendall([funds.getnewaddress()])["txid"]
    assert txid in node.getrawmempool()


def test_refused(node):
    """What may not stand in a tree."""
    key = OURS[0].xpub()
    for desc in (f"tr({key},wpkh({key}))", f"tr({key},multi(1,{key}))",
                 f"tr({key},{{pk({key})}})", f"wsh(tr({key}))", f"sh(tr({key}))",
                 f"tr({key},tr({key}))", f"multi_a(1,{key})", f"wsh(multi_a(1,{key}))"):
        wallet = node.new_wallet(f"refused {next(counter)}", disable_private_keys=True)
        (result,) = wallet.importdescriptors([{"desc": desc, "timestamp": "now"}])
        assert result["success"] is False and result["error"]["code"] == -5
        wallet.unloadwallet()
