"""Bitcoin's primitive encodings: a reader over bytes, and functions that write."""
import struct


class DecodeError(ValueError):
    """The bytes are not what the format demands."""


def compact_size(n):
    if n < 253:
        return struct.pack("<B", n)
    if n < 0x10000:
        return b"\xfd" + struct.pack("<H", n)
    if n < 0x100000000:
        return b"\xfe" + struct.pack("<I", n)
    return b"\xff" + struct.pack("<Q", n)


def var_bytes(data):
    return compact_size(len(data)) + data


def vector(items):
    """A counted list of things that know how to serialise themselves."""
    return compact_size(len(items)) + b"".join(i.serialize() for i in items)


class Reader:
    def __init__(self, data):
        self.data = bytes(data)
        self.pos = 0

    def take(self, n):
        if n > len(self.data) - self.pos:
            raise DecodeError(f"{n} bytes wanted at offset {self.pos}, "
                              f"{len(self.data) - self.pos} left")
        self.pos += n
        return self.data[self.pos - n:self.pos]

    def peek(self, n):
        return self.data[self.pos:self.pos + n]

    @property
    def left(self):
        return len(self.data) - self.pos

    def _unpack(self, fmt):
        return struct.unpack(fmt, self.take(struct.calcsize(fmt)))[0]

    def u8(self):
        return self._unpack("<B")

    def u16(self):
        return self._unpack("<H")

    def u16be(self):
        return self._unpack(">H")

    def u32(self):
        return self._unpack("<I")

    def i32(self):
        return self._unpack("<i")

    def u64(self):
        return self._unpack("<Q")

    def i64(self):
        return self._unpack("<q")

    def hash(self):
        return self.take(32)

    def compact_size(self):
        first = self.u8()
        if first < 253:
            return first
        n, least = {253: (self.u16, 253), 254: (self.u32, 0x10000),
                    255: (self.u64, 0x100000000)}[first]
        value = n()
        if value < least:
            raise DecodeError("compact size is not minimal")
        return value

    def var_bytes(self):
        return self.take(self.compact_size())

    def vector(self, read):
        return [read(self) for _ in range(self.compact_size())]

    def end(self):
        if self.left:
            raise DecodeError(f"{self.left} bytes left over")
