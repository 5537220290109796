"""ochre-cli: calls, names, standard input, waiting, -getinfo, exit codes."""
import json
import subprocess

import pytest

from framework.node import program
from framework.util import free_port


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params)
    node.generatetodescriptor(3, "raw(51)")
    return node


def cli(node, *args, stdin=None, status=0):
    done = subprocess.run(
        [program("ochre-cli"), *node.params.daemon_args, f"-datadir={node.dir}", *args],
        input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def test_plain_results(node):
    assert cli(node, "getblockcount").stdout == "3\n"
    # a string comes without quotes, an object as indented JSON, null as nothing
    assert cli(node, "getbestblockhash").stdout == node.getbestblockhash() + "\n"
    info = cli(node, "getblockchaininfo").stdout
    assert json.loads(info)["blocks"] == 3 and info.startswith('{\n  "chain"')
    assert cli(node, "syncwithvalidationinterfacequeue").stdout == ""


def test_arguments_are_converted(node):
    assert cli(node, "getblockhash", "1").stdout.strip() == node.getblockhash(1)
    block = json.loads(cli(node, "getblock", node.getblockhash(1), "1").stdout)
    assert block["height"] == 1
    assert json.loads(cli(node, "echo", "1", "abc").stdout) == ["1", "abc"]
    assert json.loads(cli(node, "echojson", "[1]", "true").stdout) == [[1], True]


def test_named_arguments(node):
    assert cli(node, "-named", "getblockhash", "height=2").stdout.strip() == \
        node.getblockhash(2)
    assert json.loads(cli(node, "-named", "echo", "arg0=0", "arg2=x").stdout) == \
        ["0", None, "x"]
    assert json.loads(cli(node, "-named", "echo", "a", "arg1=b").stdout) == ["a", "b"]
    assert "No '=' in named argument" not in cli(node, "-named", "echo", "a").stderr


def test_errors(node):
    done = cli(node, "getblockhash", "77", status=8)
    assert done.stderr == "error code: -8\nerror message:\nBlock height out of range\n"
    done = cli(node, "nosuchmethod", status=89)      # 256 - (-32601 mod 256) as bitcoin-cli
    assert "error code: -32601" in done.stderr
    done = cli(node, "getblockhash", "zero", status=1)
    assert "Error parsing JSON" in done.stderr and "zero" in done.stderr
    done = cli(node, status=1)
    assert "too few parameters (need at least command)" in done.stderr


def test_standard_input(node):
    assert cli(node, "-stdin", "getblockhash", stdin="2\n").stdout.strip() == \
        node.getblockhash(2)
    assert json.loads(cli(node, "-stdin", "echo", "a", stdin="b\nc\n").stdout) == \
        ["a", "b", "c"]


def test_password_from_standard_input(node):
    user, password = node._cookie().split(":")
    assert cli(node, f"-rpcuser={user}", "-stdinrpcpass", "getblockcount",
               stdin=password + "\n").stdout.strip() == "3"
    done = cli(node, f"-rpcuser={user}", "-stdinrpcpass", "getblockcount", stdin="foo\n",
               status=1)
    assert "Incorrect rpcuser or rpcpassword" in done.stderr
    assert json.loads(cli(node, f"-rpcuser={user}", "-stdin", "-stdinrpcpass", "echo",
                          stdin=f"{password}\nx\n").stdout) == ["x"]


def test_no_server(node):
    port = free_port()
    done = cli(node, f"-rpcport={port}", "getblockcount", status=1)
    assert done.stderr.startswith(
        f"error: timeout on transient error: Could not connect to the server "
        f"127.0.0.1:{port}")


def test_no_cookie(node, tmp_path):
    done = subprocess.run(
        [program("ochre-cli"), *node.params.daemon_args, f"-datadir={tmp_path}",
         f"-rpcport={node.rpc_port}", "getblockcount"],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Could not locate RPC credentials" in done.stderr


def test_getinfo(node):
    out = cli(node, "-getinfo", "-color=never").stdout
    assert "Chain: regtest\n" in out and "Blocks: 3\n" in out
    assert "Headers: 3\n" in out and "Verification progress:" in out
    assert "Network: in 0, out 0, total 0\n" in out
    assert "Version: " in out and "Min tx relay fee rate" in out
    done = cli(node, "-getinfo", "help", status=1)
    assert "takes no arguments" in done.stderr


def test_generate(node):
    done = cli(node, "-generate", "2", "extra", "args", status=1)
    assert "too many arguments (maximum 2 for nblocks and maxtries)" in done.stderr


def test_rpcwait(lab):
    node = lab.node(start=False)
    call = subprocess.Popen(
        [program("ochre-cli"), "-regtest", f"-datadir={node.dir}", "-rpcwait",
         "-rpcwaittimeout=60", "getblockcount"], stdout=subprocess.PIPE, text=True)
    node.start()
    assert call.communicate(timeout=60)[0] == "0\n" and call.returncode == 0
    node.stop()
    done = cli(node, "-rpcwait", "-rpcwaittimeout=1", "getblockcount", status=1)
    assert "timeout on transient error" in done.stderr


def test_stop(lab):
    node = lab.node()
    assert cli(node, "stop").stdout.strip().endswith("stopping")
    node.wait_exit()
