#!/usr/bin/env python3
"""Writes src/storage/raptorq/tables.c from src/storage/raptorq/rfc6330.txt.

    rq-tables.py            rewrite tables.c
    rq-tables.py --check    fail if tables.c is not what the data says

The data file and each of its tables are checked by SHA-256, so a slip of the
keyboard in either file cannot pass.
"""
import hashlib
import os
import struct
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DATA = os.path.join(ROOT, "src", "storage", "raptorq", "rfc6330.txt")
OUT = os.path.join(ROOT, "src", "storage", "raptorq", "tables.c")

FILE_SHA256 = "9e060cb1069381ab9e6b0c6938f9cf0a888528919f14f0aa91315076ff2ff532"
TABLE_SHA256 = {  # of the numbers as 32 bit big endian
    "V": "4c0a7a17e651eb25da8e5c2aa8aecc54c9614486e9371db35df94725e87dd06c",
    "systematic": "9d3657cf3255cf51f9a93b762a37fbe740598e3b14259acc5641abedcd0da7d6",
    "degree": "8a5898baeb62f4648fb3b86d181efcc8170f8e9b6a831a18b87c56cb87c5d114",
}


def die(text):
    sys.exit("rq-tables: " + text)


def read_tables():
    with open(DATA, "rb") as f:
        raw = f.read()
    if hashlib.sha256(raw).hexdigest() != FILE_SHA256:
        die("rfc6330.txt is not the file this script was written for")
    tables, name = {}, None
    for line in raw.decode().splitlines():
        if line.endswith(":"):
            name = line[:-1]
            tables[name] = []
        elif not line.startswith("#"):
            tables[name] += [int(word) for word in line.split()]
    tables["V"] = sum((tables.pop("V%d" % i) for i in range(4)), [])
    for name, want in TABLE_SHA256.items():
        packed = b"".join(struct.pack(">I", v) for v in tables[name])
        if hashlib.sha256(packed).hexdigest() != want:
            die("table %s does not have the expected SHA-256" % name)
    return tables


def next_prime(n):
    while any(n % d == 0 for d in range(2, int(n ** 0.5) + 1)):
        n += 1
    return n


def field():
    """Powers and logarithms of GF(2)[x]/(x^8+x^4+x^3+x^2+1), generator 2."""
    exp, value = [], 1
    for _ in range(255):
        exp.append(value)
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    log = [0] * 256
    for i, v in enumerate(exp):
        log[v] = i
    return exp, log


def multiplier(exp, log):
    return lambda a, b: exp[(log[a] + log[b]) % 255] if a and b else 0


def affine_matrix(mul, c):
    """The 8x8 bit matrix of x -> c x in the octet order of GF2P8AFFINEQB."""
    columns = [mul(c, 1 << j) for j in range(8)]
    rows = [sum((columns[j] >> i & 1) << j for j in range(8)) for i in range(8)]
    return sum(rows[7 - i] << 8 * i for i in range(8))


def c_array(head, items, per_line):
    lines = [head + " = {"]
    for i in range(0, len(items), per_line):
        lines.append("    " + ", ".join(items[i:i + per_line]) + ",")
    return "\n".join(lines) + "\n};\n"


def render(tables):
    exp, log = field()
    mul = multiplier(exp, log)
    v = tables["V"]
    rows = [tables["systematic"][i:i + 5] for i in range(0, 477 * 5, 5)]
    systematic = []
    for kp, j, s, h, w in rows:
        p1 = next_prime(kp + s + h - w)
        systematic.append("{%d, %d, %d, %d, %d, %d}" % (kp, j, s, h, w, p1))
    nibble = []
    for c in range(256):
        low = ["%d" % mul(c, x) for x in range(16)]
        high = ["%d" % mul(c, x << 4) for x in range(16)]
        nibble += ["{" + ", ".join(low) + ",\n     " + ", ".join(high) + "}"]
    parts = [
        "/* Written by contrib/devtools/rq-tables.py from rfc6330.txt: do not edit. */\n"
        "/* clang-format off */\n"
        '#include "storage/raptorq/tables.h"\n',
        "const uint32_t rq_V[4][256] = {\n" + "".join(
            "    {" + ",\n     ".join(
                ", ".join("%du" % x for x in v[256 * t:256 * t + 256][i:i + 6])
                for i in range(0, 256, 6)) + "},\n" for t in range(4)) + "};\n",
        c_array("const uint32_t rq_degree[31]",
                ["%d" % x for x in tables["degree"]], 8),
        c_array("const uint8_t rq_degree_start[128]",
                ["%d" % next(d for d in range(1, 31) if tables["degree"][d] > v << 13)
                 for v in range(128)], 16),
        c_array("const struct rq_systematic rq_systematic[RQ_N_SYSTEMATIC]",
                systematic, 2),
        c_array("const uint8_t rq_exp[510]",
                ["%d" % exp[i % 255] for i in range(510)], 16),
        c_array("const uint8_t rq_log[256]", ["%d" % x for x in log], 16),
        c_array("const uint64_t rq_affine[256]",
                ["0x%016x" % affine_matrix(mul, c) for c in range(256)], 4),
        c_array("_Alignas(32) const uint8_t rq_nibble[256][32]", nibble, 1),
    ]
    return "\n".join(parts)


def main():
    text = render(read_tables())
    if sys.argv[1:] == ["--check"]:
        with open(OUT) as f:
            if f.read() != text:
                die("tables.c differs from what rfc6330.txt says; run rq-tables.py")
    elif sys.argv[1:]:
        die("usage: rq-tables.py [--check]")
    else:
        with open(OUT, "w") as f:
            f.write(text)


if __name__ == "__main__":
    main()
