"""Arguments that no honest caller sends: for each RPC method a mix of values of the right
type, of other types and of extremes, drawn by a seed.

What a method takes is read from its own help text, so a new method is covered at once."""
import json
import random
import re

ARGUMENT = re.compile(r"^\d+\. (\w+) +\(([^,)]*)", re.M)
NAMED = re.compile(r"^([a-z]\w+) +\(([^,)]*)", re.M)
MEMBER = re.compile(r"^ +\"(\w+)\": .*?\(([^,)]*)", re.M)

NUMBERS = [0, 1, -1, 2, 3, 16, 100, 101, 2 ** 31 - 1, 2 ** 31, 2 ** 32, -2 ** 31,
           2 ** 53, 2 ** 63 - 1, 2 ** 63, -2 ** 63, 2 ** 64, 0.1, 1e-9, -0.5, 21e6, 1e20]
TEXTS = ["", " ", "0", "1", "-1", "abc", "0" * 63, "0" * 64, "f" * 64, "F" * 65, "00",
         "z" * 64, "\0", "a\0b", "ä€\U0001f600", "%s%n%d", "../../x", "*",
         "x" * 10000, "'\"\\", "1e5", "0.1", "NaN", "true", "[]", "{}", "127.0.0.1",
         "10.0.0.0/8", "::/0", "ALL|ANYONECANPAY"]


class Number:
    """A number as JSON text that no Python number would give."""

    def __init__(self, text):
        self.text = text


HUGE = [Number(t) for t in ("1" + "0" * 400, "-" + "9" * 30, "1e400", "1e-400", "-0",
                            "1.0000000000000001")]


def dumps(value):
    """JSON text; numbers of this module go out as they are."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{json.dumps(k)}:{dumps(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ",".join(map(dumps, value))
    return json.dumps(value)


class Fuzzer:
    """help_text: of the method. samples: {name of an argument: texts that mean something
    to this node}; words: texts that mean something to some methods."""

    def __init__(self, seed, help_text, samples):
        self.rng = random.Random(seed)
        self.samples = samples
        self.known = [t for texts in samples.values() for t in texts]
        self.words = re.findall(r"\b[a-z][a-z0-9_-]+\b", help_text.split("Result")[0])
        self.takes = ARGUMENT.findall(help_text)
        self.members = MEMBER.findall(help_text.split("\nResult")[0])
        self.named = NAMED.findall(help_text.partition("\nNamed Arguments")[2])

    def _text(self, name=""):
        rng, draw = self.rng, self.rng.random()
        fit = [t for key, texts in self.samples.items() if key in name for t in texts]
        if fit and draw < 0.6:
            text = rng.choice(fit)
        else:
            text = rng.choice(self.known if draw < 0.75 else
                              self.words if draw < 0.9 and self.words else TEXTS)
        if text and rng.random() < 0.07:
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(["", "0", "x", "\x7f", "é"]) + text[at + 1:]
        return text

    def _number(self):
        rng = self.rng
        if rng.random() < 0.1:
            return rng.choice(HUGE)
        return rng.choice(NUMBERS) if rng.random() < 0.5 else rng.randrange(-2, 150)

    def _list(self, name, depth):
        return [self.any(name, depth + 1)
                for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]

    def _object(self, depth):
        """Most have members that the method knows."""
        rng, made = self.rng, {}
        for name, kind in self.members + self.named:
            if rng.random() < 3 / (len(self.members + self.named) + 1):
                made[name] = None if rng.random() < 0.1 else \
                    self.of_type(name, kind, depth + 1)
        if rng.random() < 0.3 or not made:
            made[self._text("address")] = self.any("", depth + 1)
        return made

    def any(self, name="", depth=0):
        rng = self.rng
        makers = [lambda: self._text(name), lambda: self._text(name), self._number,
                  lambda: rng.choice([True, False, None])]
        if depth < 4:
            makers += [lambda: self._list(name, depth), lambda: self._object(depth),
                       lambda: self._object(depth)]
        return rng.choice(makers)()

    def of_type(self, name, kind, depth=0):
        """A value for an argument of the type that help calls so."""
        rng = self.rng
        if rng.random() < 0.1:
            return self.any(name, depth)
        if "object" in kind and depth < 4:
            return self._object(depth)
        if "array" in kind and depth < 4 and rng.random() < 0.9:
            return self._list(name, depth)
        if "boolean" in kind:
            return rng.choice([True, False])
        if "numeric" in kind and ("string" not in kind or rng.random() < 0.5):
            return self._number()
        return self._text(name)

    def arguments(self):
        """A list of arguments, or a dict of named ones."""
        rng, takes = self.rng, self.takes
        if rng.random() < 0.15:
            named = {name: self.of_type(name, kind) for name, kind in takes + self.named
                     if rng.random() < 0.7}
            if rng.random() < 0.2:
                named[rng.choice(["args", "nobody", "ä", ""])] = self.any()
            return named
        count = rng.randint(max(0, len(takes) - 2), len(takes))
        values = [self.of_type(*take) for take in takes[:count]]
        return values + [self.any()] * (rng.random() < 0.03)

    def member_names(self):
        """Of all objects that the method takes."""
        return sorted({name for name, _ in self.members + self.named})

    def odd_value(self):
        return self.rng.choice([[], {}, "", True, -1, 1.5, [None], {"a": None}, [[]], [{}],
                                "\0"])
