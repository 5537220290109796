"""Hash functions by the names the field uses."""
import hashlib


def sha256(data):
    return hashlib.sha256(data).digest()


def hash256(data):
    return sha256(sha256(data))


def ripemd160(data):
    return hashlib.new("ripemd160", data).digest()


def hash160(data):
    return ripemd160(sha256(data))


def sha3(data):
    return hashlib.sha3_256(data).digest()


def tagged_hash(tag, data):
    """BIP 340's tagged hash."""
    prefix = sha256(tag.encode())
    return sha256(prefix + prefix + data)


def merkle_root(hashes):
    """Bitcoin's Merkle root: an odd last node is paired with itself."""
    level = list(hashes)
    while len(level) > 1:
        if len(level) & 1:
            level.append(level[-1])
        level = [hash256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def _rotl(value, count):
    return ((value << count) | (value >> (64 - count))) & 0xFFFFFFFFFFFFFFFF


def siphash(k0, k1, data):
    """SipHash-2-4, as compact blocks use it for short ids."""
    v0, v1 = k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d
    v2, v3 = k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573
    mask = 0xFFFFFFFFFFFFFFFF

    def rounds(n):
        nonlocal v0, v1, v2, v3
        for _ in range(n):
            v0 = (v0 + v1) & mask
            v1 = _rotl(v1, 13) ^ v0
            v0 = _rotl(v0, 32)
            v2 = (v2 + v3) & mask
            v3 = _rotl(v3, 16) ^ v2
            v0 = (v0 + v3) & mask
            v3 = _rotl(v3, 21) ^ v0
            v2 = (v2 + v1) & mask
            v1 = _rotl(v1, 17) ^ v2
            v2 = _rotl(v2, 32)

    tail = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xff])
    for i in range(0, len(tail), 8):
        word = int.from_bytes(tail[i:i + 8], "little")
        v3 ^= word
        rounds(2)
        v0 ^= word
    v2 ^= 0xff
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3
