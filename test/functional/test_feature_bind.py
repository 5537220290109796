"""-bind, -whitebind, -port, -externalip, -discover: where the node listens, and under
which addresses it says it can be reached."""
import json
import shutil
import socket
import subprocess

import pytest

from framework.node import program
from framework.params import BITCOIN
from framework.sockets import listening
from framework.util import free_port, free_ports

LOOPBACK = "127.0.0.1"
NO_CONF = {"bind": None, "listen": None, "discover": None, "listenonion": None}


def bound(node):
    return {at for at in listening(node.process.pid) if at[1] != node.rpc_port}


def locals_of(node):
    return {(a["address"], a["port"]): a["score"]
            for a in node.getnetworkinfo()["localaddresses"]}


# Where it listens (feature_bind_extra, feature_port) -----------------------------

@pytest.mark.parametrize("onion", (False, True))
@pytest.mark.parametrize("plain", (False, True))
def test_binds_as_asked(lab, plain, onion):
    a, b = free_port(), free_port()
    args = [f"-bind={LOOPBACK}:{a}"] * plain + [f"-bind={LOOPBACK}:{b}=onion"] * onion
    if not args:
        args = [f"-whitebind=noban@{LOOPBACK}:{a}", f"-port={free_ports(2)}"]
    node = lab.node(*args, params=BITCOIN, conf={"bind": None})
    want = {(LOOPBACK, a)} if plain else set()
    if onion:
        want.add((LOOPBACK, b))
    if not plain and not onion:
        port = int(args[1].split("=")[1])
        want = {(LOOPBACK, a), (LOOPBACK, port + 1)}
    assert bound(node) == want


def test_everywhere_by_default(lab):
    port = free_ports(2)
    node = lab.node(f"-port={port}", params=BITCOIN, conf={"bind": None})
    assert bound(node) - {("::", port)} == {("0.0.0.0", port), (LOOPBACK, port + 1)}
    for at in (f"0.0.0.0:{port}", f"{LOOPBACK}:{port + 1}"):
        assert f"Bound to {at}" in node.log()


def test_port_and_bind_together(lab):
    port, other = free_ports(2), free_port()
    node = lab.node(f"-port={free_port()}", f"-port={port}", params=BITCOIN,
                    conf={"bind": None}, start=False)
    for bind, want in ((f"{LOOPBACK}:{other}", other), (LOOPBACK, port),
                       (f"{LOOPBACK}=onion", port + 1)):
        node.start(f"-bind={bind}")
        assert bound(node) == {(LOOPBACK, want)}
        node.stop()


@pytest.mark.parametrize("option", ("port", "rpcport"))
@pytest.mark.parametrize("port", ("0", "65536", "abc"))
def test_ports_that_are_none(lab, option, port):
    node = lab.node(params=BITCOIN, start=False)
    assert node.fails_to_start(f"-{option}={port}") == (
        f"Error: Invalid port specified in -{option}: '{port}'")


def test_a_bind_that_fails_ends_the_start(lab):
    """One is enough, even with others that work."""
    node = lab.node(params=BITCOIN, start=False, conf={"bind": None})
    port = free_ports(2)
    with socket.create_server((LOOPBACK, port + 1)):
        err = node.fails_to_start(f"-port={port}")
        assert f"Unable to bind to {LOOPBACK}:{port + 1} on this computer." in err
        err = node.fails_to_start(f"-bind={LOOPBACK}:{port}", f"-bind={LOOPBACK}:{port + 1}")
        assert f"Unable to bind to {LOOPBACK}:{port + 1} on this computer." in err
    for bind in ("name.example", f"{LOOPBACK}:{port}=tor", f"{LOOPBACK}:x"):
        assert node.fails_to_start(f"-bind={bind}") == \
            f"Error: Cannot resolve -bind address: '{bind}'"
    assert "Unable to bind to 198.51.100.7" in node.fails_to_start("-bind=198.51.100.7")


def test_warnings_of_binds(lab):
    a, b = free_port(), free_port()
    node = lab.node(f"-bind={LOOPBACK}:{a}=onion", f"-bind={LOOPBACK}:{b}=onion",
                    f"-bind={LOOPBACK}:6666", params=BITCOIN,
                    conf={"bind": None, "listenonion": 1})
    assert "More than one onion bind address is provided. Using " \
        f"{LOOPBACK}:{a} for the automatically created Tor onion service." in node.log()
    assert "-bind request to listen on port 6666. This port is considered \"bad\"" in \
        node.log()


# Which port it tells (feature_bind_port_externalip) ------------------------------

EXTERNAL = "2.2.2.2"
TOLD = [
    (["-externalip=2.2.2.2", "-port=30001"], 30001),
    (["-externalip=2.2.2.2", "-port=30002", "-bind=A"], 30002),
    (["-externalip=2.2.2.2", "-port=P"], "P"),
    (["-externalip=2.2.2.2:30003", "-port=P"], 30003),
    (["-externalip=2.2.2.2:30005", "-bind=A:P"], 30005),
    (["-externalip=2.2.2.2", "-bind=A:P"], "P"),
    (["-externalip=2.2.2.2", "-bind=A:P=onion", "-bind=A:Q"], "Q"),
    (["-externalip=2.2.2.2", "-port=30006", "-bind=A:P=onion"], 30006),
    (["-externalip=2.2.2.2", "-port=30007", "-bind=A:P", "-whitebind=A:Q"], "P"),
    (["-externalip=2.2.2.2", "-port=P", "-whitebind=relay@A:Q"], "Q"),
    (["-externalip=2.2.2.2", "-port=P", "-whitebind=noban@A:Q"], "P"),
]


@pytest.mark.parametrize("args,told", TOLD, ids=lambda v: " ".join(v) if
                         isinstance(v, list) else str(v))
def test_port_told_to_others(lab, args, told):
    p, q = free_ports(2), free_port()
    names = {"A": LOOPBACK, "P": str(p), "Q": str(q)}
    args = ["".join(names.get(part, part) for part in split(a)) for a in args]
    node = lab.node(*args, params=BITCOIN, conf={"bind": None})
    want = int(names.get(told, told))
    assert locals_of(node) == {(EXTERNAL, want): 4}


def split(option):
    name, value = option.split("=", 1)
    out, word = [name + "="], ""
    for c in value:
        if c in ":@=":
            out += [word, c]
            word = ""
        else:
            word += c
    return out + [word]


# -discover and interfaces (feature_discover, feature_bind_port_discover) ----------

def in_namespace(command, check=True):
    """Two public addresses on an interface of a network of its own."""
    setup = ("ip link set lo up && ip link add d0 type bridge && "
             "ip addr add 1.1.1.1/32 dev d0 && ip addr add 2.2.2.2/32 dev d0 && "
             "ip link set d0 up && exec \"$@\"")
    return subprocess.run(["unshare", "-n", "sh", "-c", setup, "sh", *command],
                          capture_output=True, check=check, timeout=60)


def can_make_namespaces():
    return shutil.which("unshare") and shutil.which("ip") and \
        in_namespace(["true"], check=False).returncode == 0


RUN = """
import json, subprocess, sys, time
daemon, cli = json.loads(sys.argv[1]), json.loads(sys.argv[2])
p = subprocess.Popen(daemon, stdout=subprocess.DEVNULL)
while p.poll() is None:
    r = subprocess.run([*cli, "getnetworkinfo"], capture_output=True, text=True)
    if r.returncode == 0:
        break
    time.sleep(0.05)
print(r.stdout)
subprocess.run([*cli, "stop"], stdout=subprocess.DEVNULL)
sys.exit(p.wait())
"""

DISCOVERED = [
    (["-port=31001"], {("1.1.1.1", 31001): 1, ("2.2.2.2", 31001): 1}),
    (["-discover", "-bind=1.1.1.1:31001"], {("1.1.1.1", 31001): 2}),
    (["-discover", "-bind=1.1.1.1:31001", "-bind=2.2.2.2:31002"],
     {("1.1.1.1", 31001): 2, ("2.2.2.2", 31002): 2}),
    (["-discover", "-bind=1.1.1.1:31001=onion"], {}),
    (["-discover", "-whitebind=noban@1.1.1.1:31001"], {}),
    (["-discover", "-whitebind=relay@1.1.1.1:31001"], {("1.1.1.1", 31001): 2}),
    (["-discover=0"], {}),
    (["-discover=0", "-bind=1.1.1.1"], {}),
    (["-externalip=3.3.3.3"], {("3.3.3.3", 18444): 4}),
    (["-externalip=2.2.2.2", "-discover"],
     {("1.1.1.1", 18444): 1, ("2.2.2.2", 18444): 4}),
    (["-externalip=2.2.2.2", "-bind=2.2.2.2", "-discover"], {("2.2.2.2", 18444): 4}),
    (["-proxy=127.0.0.1"], {}),
    (["-onlynet=ipv6"], {}),
    (["-listen=0"], {}),
]


@pytest.fixture(scope="module")
def namespaces():
    if not can_make_namespaces():
        pytest.skip("needs the right to make network namespaces")


@pytest.mark.parametrize("args,want", DISCOVERED, ids=lambda v: " ".join(v) if
                         isinstance(v, list) else "")
def test_addresses_of_interfaces(lab, namespaces, args, want):
    node = lab.node(*args, params=BITCOIN, start=False, conf=NO_CONF)
    with open(node.conf_path, encoding="utf8") as f:
        conf = [line for line in f if not line.startswith("port=")]
    with open(node.conf_path, "w", encoding="utf8") as f:
        f.writelines(conf)
    cli = [program("ochre-cli"), *BITCOIN.daemon_args, f"-datadir={node.dir}"]
    done = in_namespace(["/usr/bin/python3", "-c", RUN, json.dumps(node.command()),
                         json.dumps(cli)])
    node.check_log()
    seen = json.loads(done.stdout)["localaddresses"]
    assert {(a["address"], a["port"]): a["score"] for a in seen} == want
