"""-listenonion, -torcontrol, -torpassword: what the node asks of Tor's controller."""
import os
import stat

import pytest

from framework.params import BITCOIN, OCHRE
from framework.socks5 import Socks5
from framework.tor import TorController, onion_name
from framework.util import free_port, wait_until

CONF = {"listenonion": 1}


@pytest.fixture
def tor():
    controllers = []

    def make(**kwargs):
        controllers.append(TorController(**kwargs))
        return controllers[-1]
    yield make
    for controller in controllers:
        controller.close()


def start(lab, controller, *args, params=BITCOIN):
    return lab.node(f"-torcontrol={controller.name}", *args, params=params, conf=CONF)


def locals_of(node):
    return [(a["address"], a["port"], a["score"])
            for a in node.getnetworkinfo()["localaddresses"]]


def onion(node):
    return next(n for n in node.getnetworkinfo()["networks"] if n["name"] == "onion")


def serves(controller, n=1):
    wait_until(lambda: len(controller.services) >= n, what="for an onion service")
    return controller.services[-1]


@pytest.mark.parametrize("params", (BITCOIN, OCHRE), ids=lambda p: p.name)
def test_a_service_and_its_key(lab, tor, params):
    """The key is kept, so that the address stays the same."""
    controller = tor()
    node = start(lab, controller, params=params)
    name, port = serves(controller)
    public = {"bitcoin": 18444, "ochre": 18344}[params.name]
    assert port == f"{public},127.0.0.1:{node.p2p_port}"
    wait_until(lambda: locals_of(node) == [(name + ".onion", public, 4)])
    path = node.path("onion_v3_private_key")
    wait_until(lambda: os.path.exists(path))
    key, = controller.keys
    with open(path, encoding="ascii") as f:
        assert f.read() == key
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert key not in node.log()
    assert onion(node)["reachable"] and onion(node)["proxy"] == "127.0.0.1:9050"
    assert onion(node)["proxy_randomize_credentials"]
    node.restart()
    assert serves(controller, 2)[0] == name
    assert controller.said("ADD_ONION")[-1].split(" ")[1] == key


def test_authentication_by_password(lab, tor):
    controller = tor(methods="HASHEDPASSWORD", password='say "friend"')
    node = start(lab, controller, '-torpassword=say "friend"')
    serves(controller)
    assert "friend" not in node.log()


def test_authentication_by_cookie(lab, tor, tmp_path):
    controller = tor(methods="COOKIE,SAFECOOKIE,HASHEDPASSWORD",
                     cookie_file=str(tmp_path / 'a "strange" \\ name'))
    node = start(lab, controller)
    serves(controller)
    assert controller.said("AUTHENTICATE") != ["AUTHENTICATE"]
    assert controller.cookie.hex() not in node.log()


WAYS_OUT = {
    "another password": (
        {"methods": "HASHEDPASSWORD", "password": "a"}, ["-torpassword=b"],
        "tor: Authentication failed"),
    "no password": (
        {"methods": "HASHEDPASSWORD", "password": "a"}, [],
        "no password provided with -torpassword"),
    "password not wanted": (
        {}, ["-torpassword=b"], "HASHEDPASSWORD authentication is not available"),
    "unknown method": ({"methods": "MAGIC"}, [], "No supported authentication method"),
    "no cookie": (
        {"methods": "SAFECOOKIE"}, [], "Authentication cookie could not be opened"),
}


@pytest.mark.parametrize("case", WAYS_OUT)
def test_authentication_fails(lab, tor, case):
    what, args, log = WAYS_OUT[case]
    controller = tor(**what)
    node = start(lab, controller, *args)
    node.wait_log(log)
    assert locals_of(node) == []
    assert not controller.services


@pytest.mark.parametrize("size", (0, 31, 33))
def test_a_cookie_of_a_wrong_size(lab, tor, tmp_path, size):
    path = str(tmp_path / "cookie")
    controller = tor(methods="SAFECOOKIE", cookie_file=path)
    with open(path, "wb") as f:
        f.write(bytes(size))
    node = start(lab, controller)
    node.wait_log("Authentication cookie is not exactly 32 bytes")


def test_a_cookie_that_is_a_pipe(lab, tor, tmp_path):
    """The node does not wait at it, and stops."""
    path = str(tmp_path / "pipe")
    controller = tor(methods="SAFECOOKIE", cookie_file=str(tmp_path / "cookie"))
    os.mkfifo(path)
    controller.cookie_file = path
    node = start(lab, controller)
    node.wait_log("Authentication cookie could not be opened")
    node.stop()


def test_a_controller_that_does_not_know_the_cookie(lab, tor, tmp_path):
    controller = tor(methods="SAFECOOKIE", cookie_file=str(tmp_path / "cookie"))
    controller.cookie = bytes(32)
    node = start(lab, controller)
    node.wait_log("ServerHash does not match expected ServerHash")
    assert not controller.said("AUTHENTICATE")


def test_it_calls_again(lab, tor):
    """The address goes with the connection and comes back with it."""
    controller = tor()
    node = start(lab, controller)
    name, _ = serves(controller)
    wait_until(lambda: locals_of(node))
    controller.hang_up()
    wait_until(lambda: locals_of(node) == [])
    assert serves(controller, 2)[0] == name
    wait_until(lambda: locals_of(node))
    assert "Not connected to Tor control port" in node.log()


LISTENERS = {
    '"127.0.0.1:9150"': "127.0.0.1:9150",
    '"unix:/var/run/tor/socks" "10.0.0.1:1" "127.0.0.1:5"': "127.0.0.1:5",
    "'10.0.0.1:1' \"\" 127.0.0.1:7 127.0.0.1:8": "127.0.0.1:7",
    '"unix:/var/run/tor/socks"': "127.0.0.1:9050",
    "": "127.0.0.1:9050",
}


@pytest.mark.parametrize("listeners", LISTENERS)
def test_where_tor_listens(lab, tor, listeners):
    controller = tor(socks=listeners)
    node = start(lab, controller)
    serves(controller)
    wait_until(lambda: onion(node)["proxy"] == LISTENERS[listeners])


def test_a_controller_that_knows_no_listeners(lab, tor):
    controller = tor()
    controller.replies = {"GETINFO": b"552 Unrecognized key\r\n"}
    node = start(lab, controller)
    serves(controller)
    wait_until(lambda: onion(node)["proxy"] == "127.0.0.1:9050")


def test_onion_overrides_what_tor_says(lab, tor):
    controller = tor(socks='"127.0.0.1:9150"')
    node = start(lab, controller, "-onion=127.0.0.1:77")
    serves(controller)
    wait_until(lambda: locals_of(node))
    assert onion(node)["proxy"] == "127.0.0.1:77"
    assert not controller.said("GETINFO")
    node.restart("-onion=0")
    serves(controller, 2)
    wait_until(lambda: "Got service ID" in node.log())
    assert not onion(node)["reachable"] and locals_of(node) == []


def test_onlynet(lab, tor):
    """Only Tor, known from its controller; and what -onlynet leaves out stays out."""
    proxy = Socks5()
    controller = tor(socks=f'"{proxy.name}"')
    node = start(lab, controller, "-onlynet=onion")
    serves(controller)
    wait_until(lambda: onion(node)["reachable"])
    address = onion_name(os.urandom(32)) + ".onion:18444"
    node.addnode(address, "onetry")
    assert f"{proxy.next().host}:18444" == address
    proxy.close()
    other = tor()
    node = start(lab, other, "-onlynet=ipv4")
    serves(other)
    wait_until(lambda: onion(node)["proxy"])
    assert not onion(node)["reachable"] and locals_of(node) == []


def test_callers_through_the_service(lab, tor):
    """They come in at the port that is Tor's, and count as peers of that network."""
    target = free_port()
    controller = tor()
    node = start(lab, controller, f"-bind=127.0.0.1:{target}=onion")
    assert serves(controller)[1].endswith(f",127.0.0.1:{target}")
    plain = node.add_peer()
    other = lab.node(params=BITCOIN)
    other.addnode(f"127.0.0.1:{target}", "onetry")
    wait_until(lambda: len(node.getpeerinfo()) == 2)
    by_port = {p["addrbind"].split(":")[1]: p["network"] for p in node.getpeerinfo()}
    assert by_port == {str(target): "onion", str(node.p2p_port): "not_publicly_routable"}
    plain.close()


@pytest.mark.parametrize("bind", ("0.0.0.0:{}", "127.0.0.1:{}"))
def test_where_callers_are_brought(lab, tor, bind):
    """To the first -bind when none is Tor's; "anywhere" is no place to connect to."""
    controller, port = tor(), free_port()
    lab.node(f"-torcontrol={controller.name}", "-bind=" + bind.format(port),
             params=BITCOIN, conf={**CONF, "bind": None})
    assert serves(controller)[1] == f"18444,127.0.0.1:{port}"


LINE = b"250-" + b"x" * 1000 + b"\r\n"
HOSTILE = {
    "endless line": ("PROTOCOLINFO", b"250-" + b"x" * 200000),
    "endless reply": ("PROTOCOLINFO", LINE * 300),
    "error": ("PROTOCOLINFO", b"510 Unrecognized command\r\n"),
    "nonsense": ("PROTOCOLINFO", b"\x00\xff\r\n\r\nabc\r\n250 OK\r\n"),
    "half a quote": ("PROTOCOLINFO", b'250-AUTH METHODS=NULL X="\r\n250 OK\r\n'),
    "hangs up": ("PROTOCOLINFO", None),
    "more replies than asked for": ("PROTOCOLINFO", b"250 OK\r\n" * 50),
    "bad challenge": ("AUTHCHALLENGE", b"250 AUTHCHALLENGE SERVERHASH=00\r\n"),
    "another challenge": ("AUTHCHALLENGE", b"250 SOMETHING\r\n"),
    "empty challenge": ("AUTHCHALLENGE", b"250 \r\n"),
    "bad service": ("ADD_ONION", b"250-ServiceID=../../x\r\n250 OK\r\n"),
    "nameless service": ("ADD_ONION", b"250 OK\r\n"),
    "refused service": ("ADD_ONION", b"512 Bad arguments\r\n"),
}


def test_hostile_controllers(lab, tor, tmp_path):
    """Whatever it says the node goes on, announces nothing, and calls again."""
    controller = tor(methods="SAFECOOKIE", cookie_file=str(tmp_path / "cookie"))
    node = lab.node(f"-torcontrol={controller.name}", params=BITCOIN, conf=CONF,
                    start=False)
    for word, reply in HOSTILE.values():
        controller.replies = {word: reply}
        before = len(controller.said(word))
        node.start()
        wait_until(lambda: len(controller.said(word)) > before)
        assert locals_of(node) == []
        node.stop()
    assert not os.path.exists(node.path("onion_v3_private_key"))
    controller.replies = {}
    node.start()
    serves(controller)


def test_a_damaged_key_is_not_replaced(lab, tor):
    controller = tor()
    node = start(lab, controller)
    serves(controller)
    path = node.path("onion_v3_private_key")
    wait_until(lambda: os.path.exists(path))
    node.stop()
    with open(path, "wb") as f:
        f.write(b"a key\r\nQUIT\r\n")
    node.start()
    node.wait_log("holds no usable key")
    assert controller.connections == 1
    with open(path, "rb") as f:
        assert f.read() == b"a key\r\nQUIT\r\n"


def test_no_controller_there(lab):
    """It keeps trying, and stops at once when told to."""
    node = lab.node(f"-torcontrol=127.0.0.1:{free_port()}", params=BITCOIN, conf=CONF)
    node.wait_log("retrying in 1.00 s")
    node.wait_log("retrying in 1.50 s")
    node.restart("-torcontrol=no..such..host")
    node.wait_log("tor: Failed to look up control center no..such..host")


def test_refused_options(lab):
    node = lab.node(params=BITCOIN, start=False, conf={"bind": None, "listenonion": None})
    assert node.fails_to_start("-listen=0", "-listenonion=1") == \
        "Error: Cannot set -listen=0 together with -listenonion=1"
    assert node.fails_to_start("-torcontrol=127.0.0.1:x") == \
        "Error: Invalid port specified in -torcontrol: '127.0.0.1:x'"
    node.start("-listen=0")
    assert "parameter interaction: -listen=0 -> setting -listenonion=0" in node.log()
