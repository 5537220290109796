/* Keccak-f[1600] over lanes of type LANE: uint64_t, or a vector of them, which permutes
 * as many states side by side. Included by sha3.c once per type, with LANE, KECCAK_NAME
 * and KECCAK_TARGET set and keccak_constants in scope; hence no guard. */

#define ROL(x, n) ((x) << (n) | (x) >> (64 - (n)))
/* chi on one row whose five lanes are already permuted */
#define CHI(y, b0, b1, b2, b3, b4)                                                     \
    s[5 * y] = b0 ^ (~b1 & b2), s[5 * y + 1] = b1 ^ (~b2 & b3),                        \
          s[5 * y + 2] = b2 ^ (~b3 & b4), s[5 * y + 3] = b3 ^ (~b4 & b0),              \
          s[5 * y + 4] = b4 ^ (~b0 & b1)

KECCAK_TARGET static void KECCAK_NAME(LANE st[25])
{
    LANE s[25];
    memcpy(s, st, sizeof(s));
    for (int round = 0; round < 24; round++) {
        LANE c0 = s[0] ^ s[5] ^ s[10] ^ s[15] ^ s[20];
        LANE c1 = s[1] ^ s[6] ^ s[11] ^ s[16] ^ s[21];
        LANE c2 = s[2] ^ s[7] ^ s[12] ^ s[17] ^ s[22];
        LANE c3 = s[3] ^ s[8] ^ s[13] ^ s[18] ^ s[23];
        LANE c4 = s[4] ^ s[9] ^ s[14] ^ s[19] ^ s[24];
        LANE d0 = c4 ^ ROL(c1, 1), d1 = c0 ^ ROL(c2, 1), d2 = c1 ^ ROL(c3, 1);
        LANE d3 = c2 ^ ROL(c4, 1), d4 = c3 ^ ROL(c0, 1);
        /* theta, rho and pi: lane (x, y) moves to (y, 2x + 3y) */
        LANE b00 = s[0] ^ d0, b01 = ROL(s[6] ^ d1, 44), b02 = ROL(s[12] ^ d2, 43);
        LANE b03 = ROL(s[18] ^ d3, 21), b04 = ROL(s[24] ^ d4, 14);
        LANE b10 = ROL(s[3] ^ d3, 28), b11 = ROL(s[9] ^ d4, 20),
             b12 = ROL(s[10] ^ d0, 3);
        LANE b13 = ROL(s[16] ^ d1, 45), b14 = ROL(s[22] ^ d2, 61);
        LANE b20 = ROL(s[1] ^ d1, 1), b21 = ROL(s[7] ^ d2, 6),
             b22 = ROL(s[13] ^ d3, 25);
        LANE b23 = ROL(s[19] ^ d4, 8), b24 = ROL(s[20] ^ d0, 18);
        LANE b30 = ROL(s[4] ^ d4, 27), b31 = ROL(s[5] ^ d0, 36),
             b32 = ROL(s[11] ^ d1, 10);
        LANE b33 = ROL(s[17] ^ d2, 15), b34 = ROL(s[23] ^ d3, 56);
        LANE b40 = ROL(s[2] ^ d2, 62), b41 = ROL(s[8] ^ d3, 55),
             b42 = ROL(s[14] ^ d4, 39);
        LANE b43 = ROL(s[15] ^ d0, 41), b44 = ROL(s[21] ^ d1, 2);
        CHI(0, b00, b01, b02, b03, b04);
        CHI(1, b10, b11, b12, b13, b14);
        CHI(2, b20, b21, b22, b23, b24);
        CHI(3, b30, b31, b32, b33, b34);
        CHI(4, b40, b41, b42, b43, b44);
        s[0] ^= keccak_constants[round];
    }
    memcpy(st, s, sizeof(s));
}

#undef ROL
#undef CHI
#undef LANE
#undef KECCAK_NAME
#undef KECCAK_TARGET
