"""DNS seeds: when they are asked, when not, and how long the known addresses have first."""
import shutil
import subprocess
import time

import pytest

from framework.params import OCHRE

DAY = 24 * 60 * 60
NOBODY = "fakenodeaddr.fakedomain.invalid."
ASKS = "Loading addresses from DNS seed dummySeed.invalid."


@pytest.fixture
def node(lab, params):
    return lab.node(params=params, start=False, conf={"fixedseeds": 0})


def _start(node, *args):
    start = node.log_size()
    node.start(*args)
    return start


def test_disabled(node):
    assert "DNS seeding disabled" in node.log(_start(node))


def test_connect_disables_unless_asked_for(node):
    assert "DNS seeding disabled" in node.log(_start(node, f"-connect={NOBODY}"))
    node.stop()
    node.wait_log(ASKS, _start(node, f"-connect={NOBODY}", "-dnsseed=1"))


@pytest.mark.parametrize("args", [["-dnsseed=0"], [f"-connect={NOBODY}"]])
def test_forced_but_disabled(node, args):
    assert node.fails_to_start("-forcednsseed=1", *args) == (
        "Error: Cannot set -forcednsseed to true when setting -dnsseed to false.")


def test_without_addresses_all_are_asked_at_once(node):
    start = _start(node, "-dnsseed=1")
    node.wait_log("0 addresses found from DNS seeds", start)
    log = node.log(start)
    assert ASKS in log and "before querying DNS seeds" not in log


def test_enough_peers_save_the_question(lab):
    node = lab.node("-dnsseed=1", params=OCHRE, start=False)
    node.start("-dnsseed=0")
    node.addpeeraddress("192.0.0.8", 8333)
    node.stop()
    start = _start(node)
    node.wait_log("Waiting 11 seconds before querying DNS seeds.", start)
    for _ in range(2):
        node.add_outbound()
    node.mockscheduler(11)
    node.wait_log("P2P peers available. Skipped DNS seeding.", start)
    assert ASKS not in node.log(start)
    node.stop()
    start = _start(node, "-forcednsseed=1")            # nothing saves it now
    node.wait_log(ASKS, start)
    node.stop()
    start = _start(node)
    node.wait_log("Waiting 11 seconds before querying DNS seeds.", start)
    for _ in range(2):
        node.add_outbound("block-relay-only")          # these do not count
    node.mockscheduler(11)
    node.wait_log(ASKS, start)


def test_many_addresses_get_more_time(lab):
    node = lab.node()
    for i in range(1800):
        node.addpeeraddress(f"{11 + i % 120}.{i // 120}.3.4", 8333)
        if i > 1000 and node.getaddrmaninfo()["all_networks"]["total"] >= 1000:
            break
    node.stop()
    start = _start(node, "-dnsseed=1")
    node.wait_log("Waiting 300 seconds before querying DNS seeds.", start)
    node.mockscheduler(11)
    node.mockscheduler(290)
    node.wait_log(ASKS, start)


def test_nothing_is_asked_while_the_network_is_off(node):
    start = _start(node, "-dnsseed=1", "-networkactive=0")
    node.wait_log("Waiting for network to be reactivated before querying DNS seeds.", start)
    assert ASKS not in node.log(start)
    node.setnetworkactive(True)
    node.wait_log(ASKS, start)


ANSWERS = ["11.0.0.1", "12.0.0.2", "13.0.0.3", "2a00:1450::7", "10.1.2.3"]
WITH_HOSTS = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


@pytest.fixture
def hosts(tmp_path):
    """A wrapper for programs that find these addresses under the seed's name."""
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n" + "".join(
        f"{ip} x9.dummySeed.invalid.\n" for ip in ANSWERS))
    wrapper = [*WITH_HOSTS, str(path)]
    if not shutil.which("unshare") or \
            subprocess.run([*wrapper, "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("needs the right to mount in a namespace of its own")
    return wrapper


def test_answers_become_addresses(node, hosts):
    """But for private ones; the services are those asked for, the time some days ago."""
    node.wrapper = hosts
    start = _start(node, "-dnsseed=1", "-maxconnections=0")
    node.wait_log(f"{len(ANSWERS)} addresses found from DNS seeds", start)
    known = node.getnodeaddresses(0)
    assert {a["address"] for a in known} == set(ANSWERS[:-1])
    for a in known:
        assert a["services"] == 9 and a["port"] == node.params.p2p_port
        assert 3 * DAY <= time.time() - a["time"] <= 7 * DAY + 60
