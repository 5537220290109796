"""Writes maps of autonomous systems in the bit-packed language that -asmap reads."""
import ipaddress

from .hashes import hash256

RETURN, JUMP, MATCH, DEFAULT = [0], [1, 0], [1, 1, 0], [1, 1, 1]


def number(value, least, first, last):
    """In classes of first to last bits; the class is unary, the last without its end."""
    out = []
    for bits in range(first, last + 1):
        if value - least < 1 << bits:
            end = [] if bits == last else [0]
            return out + end + [value - least >> i & 1 for i in reversed(range(bits))]
        out.append(1)
        least += 1 << bits
    raise ValueError(value)


def answer(asn):
    return RETURN + number(asn, 1, 15, 24)


def jump(zero, one):
    return JUMP + number(len(zero), 17, 5, 30) + zero + one


def match(bits):
    return MATCH + number(int("1" + "".join(map(str, bits)), 2), 2, 1, 8)


def default(asn):
    return DEFAULT + number(asn, 1, 15, 24)


def _code(tree):
    if isinstance(tree, int):
        return answer(tree)
    if len(tree) == 2:
        return jump(_code(tree[0]), _code(tree[1]))
    path = []
    while isinstance(tree, dict) and len(tree) == 1 and len(path) < 8:
        (bit, tree), = tree.items()
        path.append(bit)
    return match(path) + _code(tree)


def pack(bits):
    """Octets, the lowest bit of each first."""
    bits = bits + [0] * (-len(bits) % 8)
    return bytes(sum(b << k for k, b in enumerate(bits[i:i + 8]))
                 for i in range(0, len(bits), 8))


def compile_map(systems):
    """systems: {"1.2.0.0/16": 64500, ...}, none within another."""
    root = {}
    for text, asn in systems.items():
        net = ipaddress.ip_network(text)
        value, bits = int(net.network_address), net.prefixlen
        if net.version == 4:
            value, bits = 0xffff << 32 | value, bits + 96
        path = [value >> (127 - i) & 1 for i in range(bits)]
        at = root
        for bit in path[:-1]:
            at = at.setdefault(bit, {})
        at[path[-1]] = asn
    return pack(_code(root))


def version(data):
    """The hash that the node logs."""
    bits = bytes(octet >> k & 1 for octet in data for k in range(8))
    n = len(bits)
    size = (bytes([n]) if n < 253 else b"\xfd" + n.to_bytes(2, "little") if n < 1 << 16
            else b"\xfe" + n.to_bytes(4, "little"))
    return hash256(size + bits)[::-1].hex()
