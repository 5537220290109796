#!/usr/bin/env python3
"""Test vectors for ASERT, computed from doc/spec/base-layer.md with big integers.

Independent of the C code: prints the rows of test/unit/asert_vectors.h as
{pow limit bits, seconds since block 1, blocks since block 1, bits of the next block}.
"""
import random

HALF_LIFE = 43200
SPACING = 150


def trunc_div(a, b):
    """Integer division that truncates toward zero."""
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def from_compact(bits):
    size, word = bits >> 24, bits & 0x7FFFFF
    return word << (8 * (size - 3)) if size > 3 else word >> (8 * (3 - size))


def to_compact(n):
    size = (n.bit_length() + 7) // 8
    word = n << (8 * (3 - size)) if size <= 3 else n >> (8 * (size - 3))
    if word & 0x800000:
        word >>= 8
        size += 1
    return word | size << 24


def next_bits(limit_bits, seconds, blocks):
    limit = from_compact(limit_bits)
    e = trunc_div((seconds - SPACING * blocks) * 65536, HALF_LIFE)
    s = e >> 16
    f = e - (s << 16)
    k = 65536 + ((195766423245049 * f + 971821376 * f ** 2 + 5127 * f ** 3 + 2 ** 47) >> 48)
    shift = s - 16
    target = limit * k
    target = target << shift if shift >= 0 else target >> -shift
    return to_compact(min(max(target, 1), limit))


def main():
    rng = random.Random(28515)
    cases = [(0, 0), (150, 1), (149, 1), (151, 1), (0, 1), (1200, 1), (43200, 0),
             (0, 288), (-1, 0), (-7200, 0), (0, 10 ** 6), (2 ** 32 - 1, 1),
             (0, 2 ** 31 - 2), (150 * 10 ** 6, 10 ** 6), (150 * 10 ** 6 - 43200, 10 ** 6),
             (150 * 10 ** 6 - 43201, 10 ** 6), (150 * 10 ** 6 - 86399, 10 ** 6)]
    for _ in range(60):
        blocks = rng.randrange(1, 10 ** rng.randrange(1, 8))
        cases.append((150 * blocks - rng.randrange(-3 * HALF_LIFE, 200 * HALF_LIFE), blocks))
    for limit in (0x1D00FFFF, 0x1E0FFFFF):
        for seconds, blocks in cases:
            print("    {0x%08x, %d, %d, 0x%08x}," %
                  (limit, seconds, blocks, next_bits(limit, seconds, blocks)))


if __name__ == "__main__":
    main()
