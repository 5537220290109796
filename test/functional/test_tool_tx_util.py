"""ochre-tx and ochre-util against the published command lines of their like."""
import json
import os
import subprocess

import pytest

from framework.codec import Reader
from framework.node import program
from framework.params import OCHRE
from framework.primitives import Block, Header
from framework.vectors import load, path

PROGRAMS = {"./bitcoin-tx": "ochre-tx", "./bitcoin-util": "ochre-util"}


def _cases():
    try:
        return load("bitcoin_util", "bitcoin-util-test.json")
    except pytest.skip.Exception:
        return []


def _id(case):
    return " ".join([os.path.basename(case["exec"]), *case["args"]])[:60]


def _run(name, *args, stdin=None):
    return subprocess.run([program(name), *args], input=stdin, capture_output=True,
                          text=True, timeout=30, check=False)


@pytest.mark.skipif(not _cases(), reason="no test vectors (set OCHRE_SHARED_DATA)")
@pytest.mark.parametrize("case", _cases(), ids=[_id(c) for c in _cases()])
def test_vector(case):
    args = ["-bitcoin", *case["args"]]
    stdin = None
    if "input" in case:
        with open(path("bitcoin_util", case["input"]), encoding="utf8") as f:
            stdin = f.read()
    done = _run(PROGRAMS[case["exec"]], *args, stdin=stdin)
    assert done.returncode == case.get("return_code", 0), done.stderr
    if "error_txt" in case:
        assert case["error_txt"] in done.stderr
    else:
        assert done.stderr == ""
    if "output_cmp" in case:
        with open(path("bitcoin_util", case["output_cmp"]), encoding="utf8") as f:
            expected = f.read()
        if case["output_cmp"].endswith(".json"):
            assert json.loads(done.stdout) == json.loads(expected)
        else:
            assert done.stdout == expected


@pytest.mark.parametrize("chain, hrp", [("main", "bc"), ("test", "tb"), ("signet", "tb"),
                                        ("regtest", "bcrt")])
def test_every_chain_of_bitcoin(chain, hrp):
    key = "02a5613bd857b7048924264d1e70e08fb2a7e6527d32b7ab1bb993ac59964ff397"
    done = _run("ochre-tx", "-bitcoin", f"-chain={chain}", "-json", "-create",
                f"outpubkey=1:{key}:W")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["vout"][0]["scriptPubKey"]["address"].startswith(hrp + "1q")


def test_own_chains_have_five_decimals():
    done = _run("ochre-tx", "-regtest", "-json", "-create", "outscript=1.5:51")
    assert done.returncode == 0, done.stderr
    assert '1.50000' in done.stdout
    done = _run("ochre-tx", "-regtest", "-create", "outscript=0.000001:51")
    assert done.returncode == 1 and "invalid TX output value" in done.stderr


def test_grind_finds_a_nonce():
    head = Block.from_bytes(OCHRE.genesis).header()
    head.nonce, head.time = 0, 1
    while head.meets_target():
        head.time += 1
    done = _run("ochre-util", "grind", head.serialize().hex())
    assert done.returncode == 0, done.stderr
    found = Header.read(Reader(bytes.fromhex(done.stdout.strip())))
    assert found.meets_target() and found.time == head.time


@pytest.mark.parametrize("name", ["ochred", "ochre-cli", "ochre-tx", "ochre-util"])
def test_help_and_version(name):
    for flag in ("-help", "-h", "-?"):
        done = _run(name, flag)
        assert done.returncode == 0 and done.stderr == ""
        assert "Options:" in done.stdout and "Usage:" in done.stdout
    done = _run(name, "-version")
    assert done.returncode == 0 and done.stderr == ""
    assert "version" in done.stdout.splitlines()[0]
