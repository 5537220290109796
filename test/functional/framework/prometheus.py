"""A strict reader of Prometheus' text format, version 0.0.4."""
from dataclasses import dataclass, field
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$|[+-]Inf$|NaN$")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}
UNITS = ("_seconds", "_bytes", "_ratio")


@dataclass
class Family:
    name: str
    help: str
    type: str = ""
    samples: dict = field(default_factory=dict)   # (name, labels) -> value


def _labels(text):
    found, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, f"labels: {text!r}"
        found.append(match.groups())
        at = match.end()
        if at < len(text):
            assert text[at] == "," and at + 1 < len(text), f"labels: {text!r}"
            at += 1
    names = [n for n, _ in found]
    assert len(set(names)) == len(names), f"a label twice: {text!r}"
    assert not any(n.startswith("__") for n in names)
    return frozenset(found)


def _sample(family, line):
    match = NAME.match(line)
    assert match, line
    name, rest = match.group(), line[match.end():]
    labels = frozenset()
    if rest.startswith("{"):
        end = rest.index("} ")
        labels, rest = _labels(rest[1:end]), rest[end + 1:]
    assert rest[0] == " " and VALUE.match(rest[1:]), line
    allowed = [family.name + s for s in SUFFIXES.get(family.type, ("",))]
    assert name in allowed, f"{name} does not belong to {family.name}"
    assert (name, labels) not in family.samples, f"twice: {line}"
    family.samples[name, labels] = float(rest[1:])


def _check_histogram(family):
    series = {}
    for (name, labels), value in family.samples.items():
        plain = frozenset(l for l in labels if l[0] != "le")
        one = series.setdefault(plain, {"buckets": []})
        if name.endswith("_bucket"):
            (bound,) = [v for k, v in labels if k == "le"]
            one["buckets"].append((float(bound), value))
        else:
            one[name[len(family.name):]] = value
    for one in series.values():
        bounds = [b for b, _ in one["buckets"]]
        counts = [n for _, n in one["buckets"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf
        assert counts == sorted(counts) and counts[-1] == one["_count"]
        assert one["_sum"] >= 0


def parse(text):
    """All families by name. Each has HELP, then TYPE, then its samples, in one place."""
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
    families, family = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            assert NAME.fullmatch(name) and words, line
            assert name not in families, f"{name} twice"
            family = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert family and name == family.name and not family.type and not family.samples
            assert kind in TYPES, line
            family.type = kind
        else:
            assert not line.startswith("#") and family and family.type, line
            _sample(family, line)
    for family in families.values():
        if family.type == "histogram":
            _check_histogram(family)
        assert (family.type == "counter") == family.name.endswith("_total"), family.name
    return families


def value(families, name, **labels):
    """A sample by its name and all its labels."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    family = families[name] if name in families else families[base]
    return family.samples[name, frozenset(labels.items())]
