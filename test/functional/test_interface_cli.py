"""ochre-cli: calls, names, standard input, waiting, -getinfo, exit codes."""
import json
import re
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


def _figures(out):
    """Lines "name: value", and what stands under Balances."""
    balances = {}
    if "Balances\n" in out:
        for line in out.split("Balances\n")[1].split("\n\n")[0].splitlines():
            amount, name = line.split(" ", 1) if line[0] != " " else \
                line.strip().split(" ", 1)
            balances[name] = amount
    return dict(re.findall(r"^(.+?): (.*)$", out, re.M)), balances


def test_getinfo_of_wallets(node):
    unit = node.params.unit
    one = node.new_wallet("one")
    one.settxfee(node.params.amount(5000))
    info, balances = _figures(cli(node, "-getinfo").stdout)
    fee = f"{node.params.amount(5000):f}"
    assert info[f"Transaction fee rate (-paytxfee) ({unit}/kvB)"] == fee
    assert info["Wallet"] == "one" and int(info["Keypool size"]) > 0 and not balances
    zero = f"{node.params.amount(0):f}"
    assert info["Balance"] == zero
    node.new_wallet("")
    info, balances = _figures(cli(node, "-getinfo").stdout)
    assert "Balance" not in info and balances == {"one": zero, '""': zero}
    info, balances = _figures(cli(node, "-getinfo", "-rpcwallet=").stdout)
    assert info["Wallet"] == '""' and "Balance" in info and not balances
    info, balances = _figures(cli(node, "-getinfo", "-rpcwallet=nobody").stdout)
    assert "Wallet" not in info and not balances
    for name in ("one", ""):
        node.unloadwallet(name)


def test_own_commands_exclude_each_other(node):
    done = cli(node, "-getinfo", "-netinfo", status=1)
    assert "Only one of -getinfo, -netinfo may be specified." in done.stderr
    done = cli(node, "-netinfo", "-generate", "-addrinfo", status=1)
    assert "Only one of -addrinfo, -generate, -netinfo may be specified." in done.stderr


@pytest.mark.parametrize("port", ["notaport", "-1", "0", "65536"])
def test_ports_that_are_none(node, port):
    for where in (f"127.0.0.1:{port}", f"[::1]:{port}"):
        done = cli(node, f"-rpcconnect={where}", "echo", status=1)
        assert f"Invalid port provided in -rpcconnect: {where}" in done.stderr
    done = cli(node, f"-rpcport={port}", "echo", status=1)
    assert f"Invalid port provided in -rpcport: {port}" in done.stderr


def test_which_port_counts(node):
    real, other = node.rpc_port, free_port()
    done = cli(node, f"-rpcconnect=127.0.0.1:{real}", f"-rpcport={other}", "echo",
               status=1)
    assert f"Could not connect to the server 127.0.0.1:{other}" in done.stderr
    done = cli(node, f"-rpcconnect=127.0.0.1:{other}", f"-rpcport={real}",
               "getblockcount")
    assert done.stdout == "3\n"
    assert done.stderr == ("Warning: Port specified in both -rpcconnect and -rpcport. "
                           f"Using -rpcport {real}\n")


def test_port_of_rpcconnect(lab, params):
    """It goes before the network's when no -rpcport is given."""
    node = lab.node(params=params)
    with open(node.conf_path, encoding="utf8") as f:
        lines = f.read()
    with open(node.conf_path, "w", encoding="utf8") as f:
        f.write(lines.replace(f"rpcport={node.rpc_port}\n", ""))
    done = cli(node, f"-rpcconnect=127.0.0.1:{node.rpc_port}", "getblockcount")
    assert done.stdout == "0\n" and done.stderr == ""


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
