"""ochre-tx and ochre-util against the vectors of Bitcoin's offline tools, and on our own networks."""
import json
import subprocess

import pytest

from framework.node import program as program_path
from framework.vectors import load, path

PROGRAMS = {"./bitcoin-tx": "ochre-tx", "./bitcoin-util": "ochre-util"}


def run(program, *args, stdin=None):
    return subprocess.run([program_path(program), *args], input=stdin, text=True,
                          capture_output=True, timeout=60, check=False)


def expected(name):
    with open(path(f"bitcoin_util/{name}"), encoding="utf8") as f:
        return f.read()


def cases():
    try:
        return load("bitcoin_util/bitcoin-util-test.json")
    except pytest.skip.Exception:
        return []


@pytest.mark.parametrize("case", cases(),
                         ids=[c.get("description", "")[:60] for c in cases()])
def test_vector(case):
    stdin = expected(case["input"]) if "input" in case else None
    out = run(PROGRAMS[case["exec"]], "-bitcoin", *case["args"], stdin=stdin)
    assert out.returncode == case.get("return_code", 0), out.stderr
    if "output_cmp" in case:
        assert out.stdout.rstrip("\n") == expected(case["output_cmp"]).rstrip("\n")
    if "error_txt" in case:
        assert case["error_txt"] in out.stderr
    else:
        assert out.stderr == ""


def test_amounts_have_the_network_s_decimals():
    out = run("ochre-tx", "-json", "-create", "outscript=1.00001:OP_RETURN")
    assert json.loads(out.stdout)["vout"][0]["value"] == 1.00001
    assert "1.00001," in out.stdout
    out = run("ochre-tx", "-create", "outscript=1.000001:OP_RETURN")
    assert (out.returncode, out.stderr) == (1, "error: invalid TX output value\n")


def test_addresses_belong_to_their_network():
    regtest = "bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5"
    out = run("ochre-tx", "-bitcoin", "-regtest", "-create", f"outaddr=1:{regtest}")
    assert out.returncode == 0
    out = run("ochre-tx", "-bitcoin", "-create", f"outaddr=1:{regtest}")
    assert out.stderr == "error: invalid TX output address\n"


def test_a_chain_nobody_knows_is_refused():
    out = run("ochre-tx", "-chain=nosuch", "-create")
    assert (out.returncode, out.stdout) == (1, "")
    assert "nosuch" in out.stderr


def test_grind_finds_a_nonce():
    header = ("01000000" + "00" * 32 + "11" * 32 + "29ab5f49" + "ffff7f20" + "00000000")
    out = run("ochre-util", "grind", header)
    assert out.returncode == 0
    assert out.stdout[:152] == header[:152]


def test_state_proofs_are_checked_without_a_node(lab, ochre):
    node = lab.node(params=ochre)
    node.rpc.generatetodescriptor(3, "raw(51)")
    proof = node.rpc.getstateproof("42")
    words = ("verifyproof", proof["root"], "42", proof["proof"])
    out = run("ochre-tx", *words)
    assert (out.returncode, out.stdout) == (0, "absent\n")
    other_root = "11" * 32
    out = run("ochre-tx", "verifyproof", other_root, "42", proof["proof"])
    assert (out.returncode, out.stdout) == (1, "")
    assert "shows nothing" in out.stderr
    out = run("ochre-tx", "verifyproof", "zz", "42", "00")
    assert out.returncode == 1 and "64 hexadecimal digits" in out.stderr
