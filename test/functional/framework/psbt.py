"""PSBTs as lists of records, to take apart and put together (BIP 174 and 370)."""
import base64

from .codec import Reader, var_bytes
from .primitives import Tx

MAGIC = b"psbt\xff"


def _read_map(reader):
    records = []
    while size := reader.compact_size():
        key = reader.take(size)
        records.append((key, reader.take(reader.compact_size())))
    return records


def _write_map(records):
    out = b""
    for key, value in records:
        out += var_bytes(key) + var_bytes(value)
    return out + b"\0"


class Psbt:
    """globals, and inputs and outputs: each a list of (key with type, value)."""

    def __init__(self, globals_, inputs, outputs):
        self.globals, self.inputs, self.outputs = globals_, inputs, outputs

    @classmethod
    def from_base64(cls, text):
        r = Reader(base64.b64decode(text))
        assert r.take(5) == MAGIC
        top = _read_map(r)
        by_key = dict(top)
        if b"\0" in by_key:
            tx = Tx.from_bytes(by_key[b"\0"])
            counts = len(tx.vin), len(tx.vout)
        else:
            counts = (Reader(by_key[b"\x04"]).compact_size(),
                      Reader(by_key[b"\x05"]).compact_size())
        psbt = cls(top, [_read_map(r) for _ in range(counts[0])],
                   [_read_map(r) for _ in range(counts[1])])
        r.end()
        return psbt

    def to_base64(self):
        raw = MAGIC + _write_map(self.globals)
        raw += b"".join(_write_map(m) for m in self.inputs + self.outputs)
        return base64.b64encode(raw).decode()
