"""Ed448 (RFC 8032) from its definition: slow, but it can sign what a node would not."""
import hashlib

P = 2 ** 448 - 2 ** 224 - 1
D = -39081 % P
L = 2 ** 446 - 13818066809895115352007386748515426880336692474882178609894547503885
BASE = (
    224580040295924300187604334099896036246789641632564134246125461686950415467406032909029192869357953282578032075146446173674602635247710,
    298819210078481492676017930443930673437544040154080242095928241372331506189835876003536878655418784733982303233503462500531545062832660)


def _add(a, b):
    """Projective points (X, Y, Z)."""
    x1, y1, z1 = a
    x2, y2, z2 = b
    zz = z1 * z2 % P
    z4, c, d = zz * zz % P, x1 * x2 % P, y1 * y2 % P
    e = D * c * d % P
    f, g = z4 - e, z4 + e
    h = (x1 + y1) * (x2 + y2)
    return (zz * f * (h - c - d) % P, zz * g * (d - c) % P, f * g % P)


_powers = []     # BASE times 2^i


def _mul_base(k):
    """k times BASE, as a projective point. The doublings are done once."""
    if not _powers:
        power = (*BASE, 1)
        for _ in range(448):
            _powers.append(power)
            power = _add(power, power)
    result = (0, 1, 1)
    for i in range(k.bit_length()):
        if k >> i & 1:
            result = _add(result, _powers[i])
    return result


def _encode(point):
    x, y, z = point
    inverse = pow(z, P - 2, P)
    out = bytearray((y * inverse % P).to_bytes(57, "little"))
    out[56] |= (x * inverse % P & 1) << 7
    return bytes(out)


def _hash(data):
    return int.from_bytes(hashlib.shake_256(b"SigEd448\0\0" + data).digest(114), "little")


class Key:
    def __init__(self, secret):
        assert len(secret) == 57
        h = bytearray(hashlib.shake_256(secret).digest(114))
        h[0] &= 252
        h[55] |= 128
        h[56] = 0
        self._s, self._prefix = int.from_bytes(h[:57], "little"), bytes(h[57:])
        self.public = _encode(_mul_base(self._s))

    @classmethod
    def from_seed(cls, seed):
        return cls(hashlib.shake_256(seed.encode()).digest(57))

    def sign(self, message):
        r = _hash(self._prefix + message) % L
        big_r = _encode(_mul_base(r))
        k = _hash(big_r + self.public + message) % L
        return big_r + ((r + k * self._s) % L).to_bytes(57, "little")
