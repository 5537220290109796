"""Taproot and tapscript spends in blocks and mempool: each rule with its failing twin.

A case builds a witness for one input; `valid` says what consensus thinks of it and
`standard` what policy does.
"""
from dataclasses import dataclass
from typing import Callable

import pytest

from framework import sighash
from framework.blocks import Chain
from framework.key import Key, tweak_add_xonly
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.script import (OP_CHECKMULTISIG, OP_CHECKSIG, OP_CHECKSIGADD,
                              OP_CHECKSIGVERIFY, OP_CODESEPARATOR, OP_DROP, OP_IF, OP_NOT,
                              OP_NUMEQUAL, OP_TRUE, OPCODES, Taproot, p2sh, p2tr, push,
                              script)

KEY = Key.from_seed("taproot key")
OTHER = Key.from_seed("taproot other")
AMOUNT = 50_000
DEST = p2tr(Key.from_seed("taproot destination").xonly)
OP_ENDIF, OP_2DROP, OP_2DUP, OP_NIP = (
    OPCODES["OP_" + n] for n in ("ENDIF", "2DROP", "2DUP", "NIP"))


@dataclass
class Ctx:
    """What a case may use to make its witness."""
    tx: Tx
    spent: list
    index: int
    tap: Taproot

    def key_sig(self, hash_type=0, **kwargs):
        digest = sighash.taproot(self.tx, self.spent, self.index, hash_type, **kwargs)
        key = KEY.tweaked(self.tap.root)
        return key.sign_schnorr(digest) + (bytes([hash_type]) if hash_type else b"")

    def leaf_sig(self, name, key=KEY, hash_type=0, codesep=0xffffffff, annex=None):
        code, version = self.tap.leaves[name]
        digest = sighash.taproot(self.tx, self.spent, self.index, hash_type, code, codesep,
                                 annex, version)
        return key.sign_schnorr(digest) + (bytes([hash_type]) if hash_type else b"")

    def path(self, name, *stack):
        return self.tap.script_witness(name, *stack)


@dataclass
class Case:
    name: str
    witness: Callable
    valid: bool
    error: str = ""
    standard: bool = None
    tap: Taproot = None
    script_sig: bytes = b""

    @property
    def is_standard(self):
        return self.valid if self.standard is None else self.standard


def leaf(code, version=0xc0):
    return Taproot(KEY.xonly, ("x", code, version))


PLAIN = Taproot(KEY.xonly)
SIG_LEAF = leaf(script(KEY.xonly, OP_CHECKSIG))
TREE = Taproot(KEY.xonly, [("a", script(KEY.xonly, OP_CHECKSIG)),
                           [("b", script(OTHER.xonly, OP_CHECKSIG)), ("c", script(OP_TRUE))]])


def deep(depth):
    tree = ("x", script(OP_TRUE))
    for i in range(depth):
        tree = [tree, (f"other{i}", script(i))]
    return Taproot(KEY.xonly, tree)


def flip(data, bit=0):
    return bytes([data[0] ^ 1 << bit]) + data[1:]


ANNEX = b"\x50annex"
CASES = [
    # key path
    Case("keypath/default", lambda c: [c.key_sig()], True, tap=PLAIN),
    *[Case(f"keypath/hashtype {t:#x}", lambda c, t=t: [c.key_sig(t)], True, tap=PLAIN)
      for t in (1, 2, 3, 0x81, 0x82, 0x83)],
    *[Case(f"keypath/bad hashtype {t:#x}",
           lambda c, t=t: [c.key_sig() + bytes([t])], False,
           "Invalid Schnorr signature hash type", tap=PLAIN)
      for t in (0x00, 0x04, 0x7f, 0x80, 0x84, 0xff)],
    Case("keypath/with tree", lambda c: [c.key_sig()], True, tap=TREE),
    Case("keypath/wrong signature", lambda c: [flip(c.key_sig())], False,
         "Invalid Schnorr signature", tap=PLAIN),
    Case("keypath/untweaked key",
         lambda c: [KEY.sign_schnorr(sighash.taproot(c.tx, c.spent, c.index))], False,
         "Invalid Schnorr signature", tap=PLAIN),
    Case("keypath/63 bytes", lambda c: [c.key_sig()[:-1]], False,
         "Invalid Schnorr signature size", tap=PLAIN),
    Case("keypath/66 bytes", lambda c: [c.key_sig(1) + b"\x01"], False,
         "Invalid Schnorr signature size", tap=PLAIN),
    Case("keypath/empty signature", lambda c: [b""], False,
         "Invalid Schnorr signature size", tap=PLAIN),
    Case("keypath/no witness", lambda c: [], False,
         "Witness program was passed an empty witness", tap=PLAIN),
    Case("keypath/annex", lambda c: [c.key_sig(annex=ANNEX), ANNEX], True, standard=False,
         tap=PLAIN),
    Case("keypath/annex not signed", lambda c: [c.key_sig(), ANNEX], False,
         "Invalid Schnorr signature", tap=PLAIN),
    Case("keypath/scriptSig not empty", lambda c: [c.key_sig()], False,
         "Witness requires empty scriptSig", tap=PLAIN, script_sig=b"\x01\x01"),
    # script path: the commitment
    Case("scriptpath/leaf a", lambda c: c.path("a", c.leaf_sig("a")), True, tap=TREE),
    Case("scriptpath/leaf b", lambda c: c.path("b", c.leaf_sig("b", OTHER)), True, tap=TREE),
    Case("scriptpath/leaf c", lambda c: c.path("c"), True, tap=TREE),
    Case("scriptpath/control block too short", lambda c: [*c.path("c")[:-1],
                                                          c.path("c")[-1][:-1]], False,
         "Invalid Taproot control block size", tap=TREE),
    Case("scriptpath/control block not a multiple", lambda c: [*c.path("c")[:-1],
                                                               c.path("c")[-1] + b"\0"],
         False, "Invalid Taproot control block size", tap=TREE),
    Case("scriptpath/wrong parity", lambda c: [*c.path("c")[:-1], flip(c.path("c")[-1])],
         False, "Witness program hash mismatch", tap=TREE),
    Case("scriptpath/wrong branch", lambda c: [*c.path("c")[:-1], c.path("c")[-1][:-1]
                                               + bytes([c.path("c")[-1][-1] ^ 1])], False,
         "Witness program hash mismatch", tap=TREE),
    Case("scriptpath/other script", lambda c: [b"\x52", c.path("c")[-1]], False,
         "Witness program hash mismatch", tap=TREE),
    Case("scriptpath/depth 128", lambda c: c.path("x"), True, tap=deep(128)),
    Case("scriptpath/depth 129", lambda c: c.path("x"), False,
         "Invalid Taproot control block size", tap=deep(129)),
    Case("scriptpath/annex", lambda c: [*c.path("a", c.leaf_sig("a", annex=ANNEX)), ANNEX],
         True, standard=False, tap=TREE),
    Case("scriptpath/unknown leaf version", lambda c: c.path("x"), True, standard=False,
         tap=leaf(b"\x6a", 0xc2)),
    # tapscript signatures
    Case("tapscript/checksig", lambda c: c.path("x", c.leaf_sig("x")), True, tap=SIG_LEAF),
    Case("tapscript/key path digest in a script", lambda c: c.path("x", c.key_sig()), False,
         "Invalid Schnorr signature", tap=SIG_LEAF),
    Case("tapscript/empty signature fails quietly", lambda c: c.path("x", b""), False,
         "Script evaluated without error but finished with a false/empty top stack element",
         tap=SIG_LEAF),
    Case("tapscript/empty signature then NOT", lambda c: c.path("x", b""), True,
         tap=leaf(script(KEY.xonly, OP_CHECKSIG, OP_NOT))),
    Case("tapscript/checksigverify", lambda c: c.path("x", c.leaf_sig("x")), True,
         tap=leaf(script(KEY.xonly, OP_CHECKSIGVERIFY, OP_TRUE))),
    Case("tapscript/empty public key", lambda c: c.path("x", c.leaf_sig("x")), False,
         "Public key is neither compressed or uncompressed",
         tap=leaf(script(b"", OP_CHECKSIG))),
    Case("tapscript/33 byte key is unknown and passes",
         lambda c: c.path("x", b"\x01"), True, standard=False,
         tap=leaf(script(KEY.pubkey, OP_CHECKSIG))),
    Case("tapscript/checksigadd 2 of 2",
         lambda c: c.path("x", c.leaf_sig("x", OTHER), c.leaf_sig("x", KEY)), True,
         tap=leaf(script(KEY.xonly, OP_CHECKSIG, OTHER.xonly, OP_CHECKSIGADD, 2,
                         OP_NUMEQUAL))),
    Case("tapscript/checksigadd 1 of 2 is not 2",
         lambda c: c.path("x", b"", c.leaf_sig("x", KEY)), False,
         "Script evaluated without error but finished with a false/empty top stack element",
         tap=leaf(script(KEY.xonly, OP_CHECKSIG, OTHER.xonly, OP_CHECKSIGADD, 2,
                         OP_NUMEQUAL))),
    Case("tapscript/checkmultisig is gone", lambda c: c.path("x"), False,
         "OP_CHECKMULTISIG(VERIFY) is not available in tapscript",
         tap=leaf(script(0, 0, 0, OP_CHECKMULTISIG))),
    Case("tapscript/codeseparator position is signed",
         lambda c: c.path("x", c.leaf_sig("x", codesep=1)), True,
         tap=leaf(script(OP_TRUE, OP_CODESEPARATOR, OP_DROP, KEY.xonly, OP_CHECKSIG))),
    Case("tapscript/codeseparator position is wrong",
         lambda c: c.path("x", c.leaf_sig("x")), False, "Invalid Schnorr signature",
         tap=leaf(script(OP_TRUE, OP_CODESEPARATOR, OP_DROP, KEY.xonly, OP_CHECKSIG))),
    Case("tapscript/signature budget exceeded", lambda c: c.path("x", c.leaf_sig("x")),
         False, "Too much signature validation relative to witness weight",
         tap=leaf(script(KEY.xonly, *[OP_2DUP, OP_CHECKSIGVERIFY] * 8, OP_2DROP, OP_TRUE))),
    Case("tapscript/signature budget just met", lambda c: c.path("x", c.leaf_sig("x")),
         True, tap=leaf(script(KEY.xonly, *[OP_2DUP, OP_CHECKSIGVERIFY] * 3, OP_2DROP,
                               OP_TRUE))),
    # tapscript limits
    Case("tapscript/minimal if is consensus", lambda c: c.path("x", b"\x02"), False,
         "OP_IF/NOTIF argument must be minimal in tapscript",
         tap=leaf(script(OP_IF, OP_TRUE, OP_ENDIF, OP_TRUE))),
    Case("tapscript/more than 201 operations",
         lambda c: c.path("x"), True, tap=leaf(b"\x61" * 1000 + b"\x51")),
    Case("tapscript/more than 10000 bytes",
         lambda c: c.path("x"), True, tap=leaf(b"\x61" * 12000 + b"\x51")),
    Case("tapscript/stack of 1000 items", lambda c: c.path("x", *[b""] * 999), True,
         standard=True, tap=leaf(script(*[OP_2DROP] * 499, OP_DROP, OP_TRUE))),
    Case("tapscript/initial stack of 1001 items", lambda c: c.path("x", *[b""] * 1001),
         False, "Stack size limit exceeded",
         tap=leaf(script(*[OP_2DROP] * 500, OP_DROP, OP_TRUE))),
    Case("tapscript/element of 521 bytes", lambda c: c.path("x", bytes(521)), False,
         "Push value size limit exceeded", tap=leaf(script(OP_DROP, OP_TRUE))),
    Case("tapscript/element of 520 bytes", lambda c: c.path("x", bytes(520)), True,
         standard=False, tap=leaf(script(OP_DROP, OP_TRUE))),
    Case("tapscript/clean stack is consensus", lambda c: c.path("x", b"\x01"), False,
         "Stack size must be exactly one after execution", tap=leaf(script(OP_TRUE))),
    *[Case(f"tapscript/OP_SUCCESS {op:#x}", lambda c: c.path("x"), True, standard=False,
           tap=leaf(bytes([op, 0x00]))) for op in (0x50, 0x62, 0x7e, 0x89, 0xbb, 0xfe)],
    Case("tapscript/OP_SUCCESS before nonsense", lambda c: c.path("x"), True,
         standard=False, tap=leaf(b"\x00\x50\x4c")),
    Case("tapscript/OP_SUCCESS as pushed data is data", lambda c: c.path("x"), False,
         "Script evaluated without error but finished with a false/empty top stack element",
         tap=leaf(b"\x01\x50\x00" + bytes([OP_NIP]))),
    Case("tapscript/invalid opcode 0xff", lambda c: c.path("x"), False,
         "Opcode missing or not understood", tap=leaf(b"\xff")),
    Case("tapscript/truncated push", lambda c: c.path("x"), False,
         "Opcode missing or not understood", tap=leaf(b"\x02\x01")),
]

@pytest.fixture(scope="module")
def env(module_lab, params):
    """A node whose tip has one output for every case."""
    node = module_lab.node("-par=1", params=params)
    chain = Chain(params)
    chain.mine(count=101)
    cb = chain.coinbase_of(1)
    fund = Tx([TxIn(OutPoint(cb.txid, 0))],
              [TxOut(AMOUNT, c.tap.script_pubkey) for c in CASES])
    chain.mine([fund])
    for block in chain.blocks[1:]:
        assert node.submitblock(block.hex()) is None
    return node, chain, fund


def spend_of(env, case):
    node, chain, fund = env
    i = CASES.index(case)
    spent = [fund.vout[i]]
    tx = Tx([TxIn(OutPoint(fund.txid, i), case.script_sig)], [TxOut(AMOUNT - 20_000, DEST)])
    tx.vin[0].witness = case.witness(Ctx(tx, spent, 0, case.tap))
    return tx


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case(env, case):
    node, chain, _ = env
    tx = spend_of(env, case)
    block = chain.next([tx])
    reason = node.getblocktemplate({"mode": "proposal", "data": block.hex(),
                                    "rules": ["segwit"]})
    if case.valid:
        assert reason is None
    else:
        assert reason == f"mandatory-script-verify-flag-failed ({case.error})"
    (accept,) = node.testmempoolaccept([tx.hex()], 0)
    assert accept["allowed"] is case.is_standard, accept
    if case.valid and not case.is_standard:
        assert accept["reject-reason"].startswith(
            ("non-mandatory-script-verify-flag", "bad-witness-nonstandard"))


def test_all_valid_cases_in_one_block(env):
    node, chain, _ = env
    txs = [spend_of(env, c) for c in CASES if c.valid]
    block = chain.next(txs)
    assert node.submitblock(block.hex()) is None
    chain.append(block)


def test_sighash_commits_to_all_amounts_and_scripts(env):
    """Two taproot inputs: a signature breaks when the other coin's facts are wrong."""
    node, chain, _ = env
    cb = chain.coinbase_of(2)
    fund = Tx([TxIn(OutPoint(cb.txid, 0))], [TxOut(AMOUNT, PLAIN.script_pubkey)] * 2)
    assert node.submitblock(chain.append(chain.next([fund])).hex()) is None
    tx = Tx([TxIn(OutPoint(fund.txid, i)) for i in range(2)], [TxOut(AMOUNT, DEST)])
    lie = [fund.vout[0], TxOut(AMOUNT - 1, PLAIN.script_pubkey)]
    for i in range(2):
        sighash.sign_taproot_key(tx, i, KEY, lie)
    (accept,) = node.testmempoolaccept([tx.hex()], 0)
    assert accept["allowed"] is False
    for i in range(2):
        sighash.sign_taproot_key(tx, i, KEY, fund.vout)
    assert node.testmempoolaccept([tx.hex()], 0)[0]["allowed"] is True
    # ANYONECANPAY does not look at the other coin
    for i in range(2):
        sighash.sign_taproot_key(tx, i, KEY, lie if i == 0 else fund.vout,
                                 sighash.ALL | sighash.ANYONECANPAY)
    assert node.testmempoolaccept([tx.hex()], 0)[0]["allowed"] is True


def test_output_keys_outside_the_curve_cannot_be_spent(env):
    node, chain, _ = env
    cb = chain.coinbase_of(3)
    off_curve = next(bytes([i]) * 32 for i in range(1, 256) if not _lifts(bytes([i]) * 32))
    fund = Tx([TxIn(OutPoint(cb.txid, 0))], [TxOut(AMOUNT, p2tr(off_curve))])
    assert node.submitblock(chain.append(chain.next([fund])).hex()) is None
    tx = Tx([TxIn(OutPoint(fund.txid, 0))], [TxOut(1000, DEST)])
    tx.vin[0].witness = [bytes(64)]
    reason = node.getblocktemplate({"mode": "proposal", "data": chain.next([tx]).hex(),
                                    "rules": ["segwit"]})
    assert reason == "mandatory-script-verify-flag-failed (Invalid Schnorr signature)"


def _lifts(x):
    try:
        tweak_add_xonly(x, bytes(31) + b"\x01")
        return True
    except ValueError:
        return False


def test_p2sh_wrapped_taproot_is_no_taproot(env):
    """Version 1 inside P2SH stays unencumbered (and not standard)."""
    node, chain, _ = env
    cb = chain.coinbase_of(4)
    inner = PLAIN.script_pubkey
    fund = Tx([TxIn(OutPoint(cb.txid, 0))], [TxOut(AMOUNT, p2sh(inner))])
    assert node.submitblock(chain.append(chain.next([fund])).hex()) is None
    tx = Tx([TxIn(OutPoint(fund.txid, 0), push(inner))], [TxOut(1000, DEST)])
    reason = node.getblocktemplate({"mode": "proposal", "data": chain.next([tx]).hex(),
                                    "rules": ["segwit"]})
    assert reason is None
    (accept,) = node.testmempoolaccept([tx.hex()], 0)
    assert accept["allowed"] is False

