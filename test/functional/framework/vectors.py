"""Published test vectors, read where they lie (environment OCHRE_SHARED_DATA)."""
import json
import os

import pytest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))


def path(*parts):
    base = os.environ.get("OCHRE_SHARED_DATA",
                          os.path.join(SOURCE, "..", "shared", "data"))
    full = os.path.join(base, "bitcoin", *parts)
    if not os.path.exists(full):
        pytest.skip(f"test vectors not found: {full} (set OCHRE_SHARED_DATA)")
    return full


def load(*parts):
    with open(path(*parts), encoding="utf8") as f:
        return json.load(f)
