"""contrib/ochre-net: a network with supernodes in one command, and again after a stop."""
import json
import os
import subprocess

import pytest

from framework.node import BUILD
from framework.util import free_ports

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Net:
    def __init__(self, directory):
        self.dir = str(directory)
        self.port = free_ports(10)       # of five nodes

    def run(self, command, *arguments, status=0):
        done = subprocess.run(
            [os.path.join(ROOT, "contrib", "ochre-net"), command, "--dir", self.dir,
             "--bin", BUILD, "--port", str(self.port), *arguments],
            capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def cli(self, *arguments):
        out = self.run("cli", *arguments)
        try:
            return json.loads(out)
        except ValueError:
            return out.strip()


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    net = Net(tmp_path_factory.mktemp("net") / "n")
    try:
        assert "5 nodes, 3 of them active supernodes" in net.run("up", "--supernodes", "3")
        yield net
    finally:
        net.run("clean")           # also of a network that came up in part
    assert not os.path.exists(net.dir)


def test_a_network_with_supernodes(net):
    count = net.cli("miner", "supernode", "count")
    assert count["total"] == count["enabled"] == 3
    for i in range(3):
        status = net.cli(f"sn{i}", "supernode", "status")
        assert status["status"] == "ENABLED" and status["name"] == f"sn{i}"
    top = net.cli("user", "supernode", "top")
    assert len(top["committee"] if isinstance(top, dict) else top) == 3
    assert float(net.cli("user", "getbalance")) == 1000
    lines = net.run("status").splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["miner", "user", "sn0", "sn1", "sn2"]


def test_blocks_reach_all_and_pay_supernodes(net):
    height = int(net.cli("miner", "getblockcount"))
    assert net.run("mine", "3") == f"height {height + 3}\n"
    tips = {net.cli(name, "getbestblockhash") for name in ("miner", "user", "sn0", "sn1", "sn2")}
    assert len(tips) == 1
    listed = net.cli("miner", "supernode", "list")
    paid = {s["last_paid"] for s in (listed.values() if isinstance(listed, dict) else listed)}
    assert paid == {height + 1, height + 2, height + 3}


def test_the_demonstration(net):
    """A storage ticket that a user and three supernodes on four nodes sign, wallets pay for, and
    a fifth node sees."""
    out = net.run("demo")
    assert out.count("signed by sn") == 3
    assert '"kind": "storage"' in out and '"present": true' in out
    (ticket,) = net.cli("sn1", "tickets", "list", "storage")
    assert ticket["ticket"]["file_size"] == 2.5 * 2 ** 20


def test_a_stopped_network_goes_on(net):
    before = net.cli("miner", "getblockcount")
    net.run("stop")
    assert "stopped" in net.run("status")
    assert "5 nodes" in net.run("up")
    assert net.cli("miner", "getblockcount") == before
    assert net.cli("sn1", "supernode", "status")["status"] == "ENABLED"
    assert float(net.cli("user", "getbalance")) > 1000


def test_mistakes_are_named(net, tmp_path):
    assert "there is no node nobody" in net.run("cli", "nobody", "getblockcount", status=1)
    assert "must be positive" in net.run("mine", "0", status=1)
    other = Net(tmp_path / "other")
    assert "there is no network at" in other.run("status", status=1)
    assert "--supernodes must be" in other.run("up", "--supernodes", "1000", status=1)
    busy = Net(tmp_path / "busy")
    busy.port = net.port
    assert "miner" in busy.run("up", "--supernodes", "0", status=1)
    busy.run("clean")
