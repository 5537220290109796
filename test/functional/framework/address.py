"""Base58Check and bech32(m) (BIP 173, 350), and addresses made of them."""
from .hashes import hash160, hash256, sha256

B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
B32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32, BECH32M = 1, 0x2bc830a3


def base58_encode(data):
    n = int.from_bytes(data, "big")
    text = ""
    while n:
        n, digit = divmod(n, 58)
        text = B58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_decode(text):
    n = 0
    for c in text:
        n = n * 58 + B58.index(c)
    body = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes(len(text) - len(text.lstrip("1"))) + body


def base58check_encode(data):
    return base58_encode(data + hash256(data)[:4])


def base58check_decode(text):
    raw = base58_decode(text)
    data, check = raw[:-4], raw[-4:]
    if len(raw) < 4 or hash256(data)[:4] != check:
        raise ValueError("bad base58 checksum")
    return data


def _polymod(values):
    chk = 1
    for v in values:
        top = chk >> 25
        chk = (chk & 0x1ffffff) << 5 ^ v
        for i, gen in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                 0x2a1462b3)):
            if top >> i & 1:
                chk ^= gen
    return chk


def _expand(hrp):
    return [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]


def bech32_encode(hrp, values, const):
    mod = _polymod(_expand(hrp) + values + [0] * 6) ^ const
    check = [mod >> 5 * (5 - i) & 31 for i in range(6)]
    return hrp + "1" + "".join(B32[v] for v in values + check)


def bech32_decode(text):
    """Returns (hrp, values, constant) or raises ValueError."""
    if any(not 33 <= ord(c) <= 126 for c in text) or text not in (text.lower(),
                                                                  text.upper()):
        raise ValueError("bad characters or mixed case")
    text = text.lower()
    pos = text.rfind("1")
    if pos < 1 or pos + 7 > len(text) or len(text) > 90:
        raise ValueError("bad separator position or length")
    if any(c not in B32 for c in text[pos + 1:]):
        raise ValueError("bad data character")
    hrp, values = text[:pos], [B32.index(c) for c in text[pos + 1:]]
    const = _polymod(_expand(hrp) + values)
    if const not in (BECH32, BECH32M):
        raise ValueError("bad bech32 checksum")
    return hrp, values[:-6], const


def regroup(data, frm, to, pad):
    acc = bits = 0
    out = []
    for value in data:
        acc = acc << frm | value
        bits += frm
        while bits >= to:
            bits -= to
            out.append(acc >> bits & (1 << to) - 1)
    if pad and bits:
        out.append(acc << to - bits & (1 << to) - 1)
    elif not pad and (bits >= frm or acc & (1 << bits) - 1):
        raise ValueError("bad padding")
    return out


def segwit_address(params, version, program):
    const = BECH32 if version == 0 else BECH32M
    return bech32_encode(params.hrp, [version] + regroup(program, 8, 5, True), const)


def p2pkh(params, pubkey):
    return base58check_encode(bytes([params.p2pkh]) + hash160(pubkey))


def p2sh(params, redeem_script):
    return base58check_encode(bytes([params.p2sh]) + hash160(redeem_script))


def p2wpkh(params, pubkey):
    return segwit_address(params, 0, hash160(pubkey))


def p2wsh(params, witness_script):
    return segwit_address(params, 0, sha256(witness_script))


def p2tr(params, output_key):
    return segwit_address(params, 1, output_key)


def wif(params, secret, compressed=True):
    return base58check_encode(bytes([params.wif]) + secret
                              + (b"\x01" if compressed else b""))


def to_script(params, text):
    """The scriptPubKey of an address, or ValueError."""
    if text.lower().startswith(params.hrp + "1"):
        _, values, const = bech32_decode(text)
        program = bytes(regroup(values[1:], 5, 8, False))
        if const != (BECH32 if values[0] == 0 else BECH32M):
            raise ValueError("wrong bech32 variant for this witness version")
        opcode = 0x50 + values[0] if values[0] else 0
        return bytes([opcode, len(program)]) + program
    raw = base58check_decode(text)
    if raw[0] == params.p2pkh:
        return b"\x76\xa9\x14" + raw[1:] + b"\x88\xac"
    if raw[0] == params.p2sh:
        return b"\xa9\x14" + raw[1:] + b"\x87"
    raise ValueError("address of another network")
