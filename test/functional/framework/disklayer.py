"""A disk that fails: full, or cut off from power with writes still unsynced.

The preloaded layer (disklayer.c) keeps an undo journal per file. A cut keeps a
random first part of each journal's writes, tears the next one, drops the rest.
Creating, renaming and removing files count as durable at once.
"""
import os
import struct

HEAD = struct.Struct("<QQQQ")


class FullDisk:
    """Writes fail, or little space is left, while the switch is on."""

    def __init__(self, node, layer, directory):
        self.node, self.layer = node, layer
        self.full, self.low = (os.path.join(directory, n) for n in ("full", "low"))

    def env(self):
        return {"LD_PRELOAD": self.layer, "OCHRE_CUT_DIR": self.node.dir,
                "OCHRE_FULL_FLAG": self.full, "OCHRE_LOW_FLAG": self.low}

    @staticmethod
    def switch(path, on, only=""):
        """only: the full disk is that of paths with this text in them."""
        if on:
            with open(path, "w", encoding="ascii") as f:
                f.write(only)
        elif os.path.exists(path):
            os.unlink(path)


class PowerCut:
    def __init__(self, node, layer, journal):
        self.node, self.layer, self.journal = node, layer, journal
        os.makedirs(journal, exist_ok=True)

    def env(self, after=None):
        """Environment of a daemon that runs on the layer."""
        env = {"LD_PRELOAD": self.layer, "OCHRE_CUT_DIR": self.node.dir,
               "OCHRE_CUT_JOURNAL": self.journal}
        if after:
            env["OCHRE_CUT_AFTER"] = str(after)
        return env

    def cut(self, rng):
        """After the kill: makes the files what a power cut might have left."""
        files = self._inodes()
        undone = 0
        for name in os.listdir(self.journal):
            path = os.path.join(self.journal, name)
            if int(name) in files:
                undone += self._undo(files[int(name)], self._records(path), rng)
            os.unlink(path)
        return undone

    def _inodes(self):
        found = {}
        for base, _, names in os.walk(self.node.dir):
            for name in names:
                path = os.path.join(base, name)
                found[os.stat(path).st_ino] = path
        return found

    @staticmethod
    def _records(path):
        records = []
        with open(path, "rb") as f:
            while head := f.read(HEAD.size):
                if len(head) < HEAD.size:
                    break
                offset, length, size, saved = HEAD.unpack(head)
                old = f.read(saved)
                if len(old) < saved:
                    break
                records.append((offset, length, size, old))
        return records

    @staticmethod
    def _undo(path, records, rng):
        """Drops all writes behind a random one and tears that one."""
        if not records:
            return 0
        keep = rng.choice((0, rng.randrange(len(records)), len(records)))
        with open(path, "r+b") as f:
            for i in range(len(records) - 1, keep - 1, -1):
                offset, length, size, old = records[i]
                # of the first lost write a first part may have reached the disk
                part = rng.randrange(length + 1) if i == keep and length else 0
                f.seek(offset + part)
                f.write(old[part:])
                f.truncate(max(size, offset + part) if part else size)
        return len(records) - keep
