"""Script building, standard output scripts and taproot trees."""
from .codec import compact_size, var_bytes
from .hashes import hash160, sha256, tagged_hash
from .key import tweak_add_xonly

LEAF_VERSION = 0xc0
ANNEX_TAG = 0x50
MAX_SCRIPT_ELEMENT = 520
MAX_SCRIPT = 10000
MAX_OPS = 201

# A point nobody knows the discrete logarithm of (BIP 341's H).
NUMS = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")


class Op(int):
    """An opcode; a plain int in script() is a number to push instead."""


_NAMES = {
    0x00: "0", 0x4c: "PUSHDATA1", 0x4d: "PUSHDATA2", 0x4e: "PUSHDATA4", 0x4f: "1NEGATE",
    0x50: "RESERVED", 0x61: "NOP", 0x62: "VER", 0x63: "IF", 0x64: "NOTIF",
    0x65: "VERIF", 0x66: "VERNOTIF", 0x67: "ELSE", 0x68: "ENDIF", 0x69: "VERIFY",
    0x6a: "RETURN", 0x6b: "TOALTSTACK", 0x6c: "FROMALTSTACK", 0x6d: "2DROP",
    0x6e: "2DUP", 0x6f: "3DUP", 0x70: "2OVER", 0x71: "2ROT", 0x72: "2SWAP",
    0x73: "IFDUP", 0x74: "DEPTH", 0x75: "DROP", 0x76: "DUP", 0x77: "NIP", 0x78: "OVER",
    0x79: "PICK", 0x7a: "ROLL", 0x7b: "ROT", 0x7c: "SWAP", 0x7d: "TUCK", 0x7e: "CAT",
    0x7f: "SUBSTR", 0x80: "LEFT", 0x81: "RIGHT", 0x82: "SIZE", 0x83: "INVERT",
    0x84: "AND", 0x85: "OR", 0x86: "XOR", 0x87: "EQUAL", 0x88: "EQUALVERIFY",
    0x89: "RESERVED1", 0x8a: "RESERVED2", 0x8b: "1ADD", 0x8c: "1SUB", 0x8d: "2MUL",
    0x8e: "2DIV", 0x8f: "NEGATE", 0x90: "ABS", 0x91: "NOT", 0x92: "0NOTEQUAL",
    0x93: "ADD", 0x94: "SUB", 0x95: "MUL", 0x96: "DIV", 0x97: "MOD", 0x98: "LSHIFT",
    0x99: "RSHIFT", 0x9a: "BOOLAND", 0x9b: "BOOLOR", 0x9c: "NUMEQUAL",
    0x9d: "NUMEQUALVERIFY", 0x9e: "NUMNOTEQUAL", 0x9f: "LESSTHAN", 0xa0: "GREATERTHAN",
    0xa1: "LESSTHANOREQUAL", 0xa2: "GREATERTHANOREQUAL", 0xa3: "MIN", 0xa4: "MAX",
    0xa5: "WITHIN", 0xa6: "RIPEMD160", 0xa7: "SHA1", 0xa8: "SHA256", 0xa9: "HASH160",
    0xaa: "HASH256", 0xab: "CODESEPARATOR", 0xac: "CHECKSIG", 0xad: "CHECKSIGVERIFY",
    0xae: "CHECKMULTISIG", 0xaf: "CHECKMULTISIGVERIFY", 0xb0: "NOP1",
    0xb1: "CHECKLOCKTIMEVERIFY", 0xb2: "CHECKSEQUENCEVERIFY", 0xb3: "NOP4",
    0xb4: "NOP5", 0xb5: "NOP6", 0xb6: "NOP7", 0xb7: "NOP8", 0xb8: "NOP9", 0xb9: "NOP10",
    0xba: "CHECKSIGADD", 0xff: "INVALIDOPCODE",
}
_NAMES.update({0x50 + n: str(n) for n in range(1, 17)})
OPCODES = {"OP_" + name: Op(code) for code, name in _NAMES.items()}
globals().update(OPCODES)
OP_TRUE = OPCODES["OP_1"]
OP_FALSE = OPCODES["OP_0"]


def script_number(n):
    """The minimal script number encoding."""
    if n == 0:
        return b""
    raw = bytearray(abs(n).to_bytes((abs(n).bit_length() + 7) // 8, "little"))
    if raw[-1] & 0x80:
        raw.append(0)
    if n < 0:
        raw[-1] |= 0x80
    return bytes(raw)


def push(data):
    """Pushes bytes with the shortest length prefix (never OP_n)."""
    n = len(data)
    if n < 0x4c:
        return bytes([n]) + data
    if n < 0x100:
        return b"\x4c" + bytes([n]) + data
    if n < 0x10000:
        return b"\x4d" + n.to_bytes(2, "little") + data
    return b"\x4e" + n.to_bytes(4, "little") + data


def push_number(n):
    if n == 0:
        return b"\x00"
    if n == -1:
        return b"\x4f"
    if 1 <= n <= 16:
        return bytes([0x50 + n])
    return push(script_number(n))


def script(*items):
    """Builds a script from opcodes, numbers and bytes to push."""
    out = b""
    for item in items:
        if isinstance(item, Op):
            out += bytes([item])
        elif isinstance(item, int):
            out += push_number(item)
        else:
            out += push(item)
    return out


def decode(code):
    """Yields (opcode, pushed bytes or None, offset); stops at a truncated push."""
    pos = 0
    while pos < len(code):
        start, op = pos, code[pos]
        pos += 1
        data = None
        if op <= 0x4e:
            if op < 0x4c:
                size = op
            else:
                width = 1 << op - 0x4c
                size = int.from_bytes(code[pos:pos + width], "little")
                pos += width
            data = code[pos:pos + size]
            if len(data) < size:
                return
            pos += size
        yield op, data, start


def p2pk(pubkey):
    return push(pubkey) + b"\xac"


def p2pkh(pubkey):
    return b"\x76\xa9\x14" + hash160(pubkey) + b"\x88\xac"


def p2sh(redeem):
    return b"\xa9\x14" + hash160(redeem) + b"\x87"


def p2wpkh(pubkey):
    return b"\x00\x14" + hash160(pubkey)


def p2wsh(witness_script):
    return b"\x00\x20" + sha256(witness_script)


def p2tr(output_key):
    return b"\x51\x20" + output_key


def multisig(need, pubkeys):
    return script(need, *pubkeys, len(pubkeys), OPCODES["OP_CHECKMULTISIG"])


def null_data(data):
    return script(OPCODES["OP_RETURN"], data)


def pad_to(size):
    """An OP_RETURN script of exactly `size` bytes (for size rules)."""
    return b"\x6a" * size


def leaf_hash(leaf, version=LEAF_VERSION):
    return tagged_hash("TapLeaf", bytes([version]) + var_bytes(leaf))


def branch_hash(a, b):
    return tagged_hash("TapBranch", min(a, b) + max(a, b))


class Taproot:
    """A taproot output: internal key and a tree of named leaves.

    tree: (name, script) or (name, script, version), or a pair list [tree, tree].
    """

    def __init__(self, internal=NUMS, tree=None):
        self.internal = internal
        self.leaves = {}
        self.root = self._walk(tree) if tree else b""
        self.tweak = tagged_hash("TapTweak", internal + self.root)
        self.output_key, self.parity = tweak_add_xonly(internal, self.tweak)
        self.script_pubkey = p2tr(self.output_key)

    def _walk(self, tree):
        self._paths = getattr(self, "_paths", {})

        def visit(node):
            if isinstance(node, tuple):
                name, code, *version = node
                version = version[0] if version else LEAF_VERSION
                self.leaves[name] = (code, version)
                return leaf_hash(code, version), {name: b""}
            (lh, lp), (rh, rp) = visit(node[0]), visit(node[1])
            paths = {n: p + rh for n, p in lp.items()}
            paths.update({n: p + lh for n, p in rp.items()})
            return branch_hash(lh, rh), paths

        root, self._paths = visit(tree)
        return root

    def control_block(self, name):
        version = self.leaves[name][1]
        return bytes([version | self.parity]) + self.internal + self._paths[name]

    def script_witness(self, name, *stack):
        """Witness of a script path spend: stack, leaf script, control block."""
        return [*stack, self.leaves[name][0], self.control_block(name)]


def compact_script_size(code):
    return len(compact_size(len(code))) + len(code)
