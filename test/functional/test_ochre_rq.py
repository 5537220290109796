"""ochre-rq: files to symbol files and back."""
import hashlib
import os
import random
import resource
import signal
import subprocess

import pytest

from framework.node import program
from framework.util import wait_until

HEADER = 88


def rq(*args, code=0):
    out = subprocess.run([program("ochre-rq"), *map(str, args)], text=True,
                         capture_output=True, timeout=120, check=False)
    assert out.returncode == code, out.stderr
    return out


@pytest.fixture
def source(tmp_path):
    data = random.Random(6330).randbytes(300_001)
    path = tmp_path / "object"
    path.write_bytes(data)
    return path


def encode(source, out, *args):
    rq("encode", source, "--out", out, "--symbol-size", 1000, "--repair", 40, *args)
    return sorted(out.iterdir())


@pytest.mark.parametrize("args", [
    (), ("--blocks", 4), ("--sub-blocks", 7, "--align", 8), ("--threads", 3),
    ("--blocks", 3, "--memory", 1, "--threads", 2)], ids=str)
def test_round_trip_with_losses(source, tmp_path, args):
    files = encode(source, tmp_path / "symbols", *args)
    rng = random.Random(1)
    for block in {f.name[:3] for f in files}:
        mine = [f for f in files if f.name.startswith(block)]
        for gone in rng.sample(mine, 38):
            gone.unlink()
    out = rq("decode", tmp_path / "symbols", "--out", tmp_path / "restored")
    assert (tmp_path / "restored").read_bytes() == source.read_bytes()
    digest = hashlib.sha3_256(source.read_bytes()).hexdigest()
    assert out.stdout.startswith(digest)
    assert out.stderr == ""


def test_damaged_and_foreign_files_are_named_and_skipped(source, tmp_path):
    symbols = tmp_path / "symbols"
    files = encode(source, symbols)
    damaged = files[5]
    data = bytearray(damaged.read_bytes())
    data[HEADER + 17] ^= 1
    damaged.write_bytes(data)
    files[6].write_bytes(files[6].read_bytes()[:-1])
    (symbols / "README").write_text("not a symbol")
    other = tmp_path / "other"
    other.write_bytes(b"x" * 5000)
    stranger = encode(other, tmp_path / "strangers")[0]
    (symbols / "stranger.rqs").write_bytes(stranger.read_bytes())
    out = rq("decode", symbols, "--out", tmp_path / "restored")
    assert (tmp_path / "restored").read_bytes() == source.read_bytes()
    lines = out.stderr.splitlines()
    assert len(lines) == 4
    for name, why in [(damaged.name, "SHA3-256"), (files[6].name, "cut short"),
                      ("README", "not a symbol file"), ("stranger.rqs", "another object")]:
        assert any(name in line and why in line and "skipped" in line for line in lines)
    digest = hashlib.sha3_256(b"x" * 5000).hexdigest()
    out = rq("decode", symbols, "--out", tmp_path / "no", "--object", digest, code=1)
    assert "do not suffice" in out.stderr


def test_too_few_symbols_write_nothing(source, tmp_path):
    files = encode(source, tmp_path / "symbols", "--blocks", 2)
    for f in files[-60:]:
        f.unlink()
    out = rq("decode", tmp_path / "symbols", "--out", tmp_path / "restored", code=1)
    assert "block 1" in out.stderr and "do not suffice" in out.stderr
    assert not list(tmp_path.glob("restored*"))
    out = rq("inspect", tmp_path / "symbols", code=1)
    assert "block 0" in out.stdout and "NOT decodable" in out.stdout


def test_inspect(source, tmp_path):
    files = encode(source, tmp_path / "symbols")
    out = rq("inspect", tmp_path / "symbols").stdout
    assert "301 source symbols: 301 of them and 40 repair symbols here, decodable" in out
    assert "length      300001" in out
    out = rq("inspect", files[-1]).stdout
    assert "block 0, id 340 (repair), intact" in out
    files[0].write_bytes(b"nonsense")
    assert "not a symbol file" in rq("inspect", files[0], code=1).stderr


def test_output_is_never_overwritten_by_halves(source, tmp_path):
    symbols = tmp_path / "symbols"
    encode(source, symbols)
    before = sorted(os.listdir(tmp_path))
    out = rq("encode", source, "--out", symbols, code=1)
    assert "is not empty" in out.stderr
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(tmp_path, number):
    big = tmp_path / "big"
    with open(big, "wb") as f:
        f.truncate(200 << 20)
    run = subprocess.Popen([program("ochre-rq"), "encode", str(big), "--out",
                            str(tmp_path / "s")], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list(tmp_path.glob("s.tmp-*")))
    run.send_signal(number)
    assert run.communicate(timeout=60)[1] == "ochre-rq: stopped\n"
    assert run.returncode == -number
    assert os.listdir(tmp_path) == ["big"]


def no_room():
    """No file may grow: to a program the same as a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_no_room_leaves_nothing_behind(source, tmp_path, command):
    encode(source, tmp_path / "symbols")
    before = sorted(os.listdir(tmp_path))
    what = source if command == "encode" else tmp_path / "symbols"
    out = subprocess.run([program("ochre-rq"), command, str(what), "--out",
                          str(tmp_path / "new")], text=True, capture_output=True,
                         timeout=60, check=False, preexec_fn=no_room)
    assert out.returncode == 1
    assert out.stderr.startswith(f"ochre-rq: {tmp_path}/new") and "too large" in out.stderr
    assert out.stderr.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("args, code, words", [
    ((), 2, "encode FILE"),
    (("frobnicate",), 2, "no such command"),
    (("encode", "x"), 2, "--out"),
    (("encode",), 2, "takes FILE"),
    (("decode", "/nonexistent", "--out", "x"), 1, "No such file"),
    (("encode", "/nonexistent", "--out", "x"), 1, "No such file"),
    (("encode", "/etc/passwd", "--out", "x", "--symbol-size", "65536"), 2, "range"),
    (("encode", "/etc/passwd", "--out", "x", "--symbol-size", "9", "--align", "2"), 1,
     "multiple of Al"),
    (("bench", "--symbols", "0"), 1, "56403"),
    (("bench", "--kernel", "abacus"), 1, "no such kernel"),
])
def test_errors_name_their_cause(args, code, words, tmp_path):
    out = subprocess.run([program("ochre-rq"), *args], text=True, capture_output=True,
                         timeout=60, check=False, cwd=tmp_path)
    assert out.returncode == code
    assert words in out.stderr
    assert not os.listdir(tmp_path)


def test_bench_and_help():
    out = rq("bench", "--symbols", 50, "--symbol-size", 64, "--seconds", "0.01").stdout
    assert "encode with a kept plan" in out and "XOR equivalents" in out
    assert "ochre-rq decode DIR" in rq("--help").stdout
