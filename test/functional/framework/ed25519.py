"""Ed25519 (RFC 8032) from its definition."""
import hashlib

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P


def _recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x & 1 != sign else x


BASE = (_recover_x(BASE_Y, 0), BASE_Y)


def _add(a, b):
    """Projective points (X, Y, Z)."""
    x1, y1, z1 = a
    x2, y2, z2 = b
    zz = z1 * z2 % P
    z4, c, d = zz * zz % P, x1 * x2 % P, y1 * y2 % P
    e = D * c * d % P
    f, g = z4 - e, z4 + e
    h = (x1 + y1) * (x2 + y2)
    return (zz * f * (h - c - d) % P, zz * g * (d + c) % P, f * g % P)


def _mul(k, point):
    result, power = (0, 1, 1), (*point, 1)
    while k:
        if k & 1:
            result = _add(result, power)
        power = _add(power, power)
        k >>= 1
    return result


def _encode(point):
    x, y, z = point
    inverse = pow(z, P - 2, P)
    return ((y * inverse % P) | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def _hash(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little")


class Key:
    def __init__(self, seed):
        assert len(seed) == 32
        self.seed = seed
        h = bytearray(hashlib.sha512(seed).digest())
        h[0] &= 248
        h[31] &= 127
        h[31] |= 64
        self._s, self._prefix = int.from_bytes(h[:32], "little"), bytes(h[32:])
        self.public = _encode(_mul(self._s, BASE))

    @classmethod
    def from_seed(cls, seed):
        return cls(hashlib.sha256(seed.encode()).digest())

    def sign(self, message):
        r = _hash(self._prefix + message) % L
        big_r = _encode(_mul(r, BASE))
        k = _hash(big_r + self.public + message) % L
        return big_r + ((r + k * self._s) % L).to_bytes(32, "little")
