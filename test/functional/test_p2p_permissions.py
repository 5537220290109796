"""-whitelist and -whitebind: who gets which permissions, and what is refused."""
import pytest

from framework.util import free_port

IMPLICIT = ["noban", "relay", "mempool", "download"]


@pytest.fixture(scope="module")
def idle(module_lab, params):
    return module_lab.node(params=params, start=False)


@pytest.mark.parametrize("args, permissions", [
    (["-whitelist=127.0.0.1"], IMPLICIT),
    (["-whitelist=127.0.0.1", "-whitelistforcerelay"],
     ["noban", "forcerelay", "relay", "mempool", "download"]),
    (["-whitelist=127.0.0.1", "-whitelistrelay=0"], ["noban", "mempool", "download"]),
    (["-whitelist=noban@127.0.0.1"], ["noban", "download"]),
    (["-whitelist=noban,relay@127.0.0.1", "-whitelistforcerelay"],
     ["noban", "relay", "download"]),
    (["-whitelist=all@127.0.0.1"],
     ["bloomfilter", "noban", "forcerelay", "relay", "mempool", "download", "addr"]),
    (["-whitelist=bloom,forcerelay@127.0.0.0/8"], ["bloomfilter", "forcerelay", "relay"]),
    (["-whitelist=addr@127.0.0.1", "-whitelist=mempool@127.0.0.0/24"], ["mempool", "addr"]),
    (["-whitelist=in,download@127.0.0.1"], ["download"]),
    (["-whitelist=out,download@127.0.0.1"], []),
    (["-whitelist=@127.0.0.1"], []),
    (["-whitelist=10.0.0.0/8"], []),
    ([], []),
])
def test_inbound(idle, args, permissions):
    idle.start(*args)
    idle.add_peer()
    assert idle.getpeerinfo()[0]["permissions"] == permissions
    idle.stop()


def test_outbound(idle):
    idle.start("-whitelist=in,out,noban@127.0.0.1", "-whitelist=out,addr@127.0.0.1")
    idle.add_peer()
    idle.add_outbound()
    inbound, outbound = idle.getpeerinfo()
    assert inbound["permissions"] == ["noban", "download"]
    assert outbound["permissions"] == ["noban", "download", "addr"]
    idle.stop()


def test_whitebind(idle):
    port = free_port()
    idle.start(f"-whitebind=bloomfilter,forcerelay@127.0.0.1:{port}")
    idle.add_peer()
    idle.p2p_port, usual = port, idle.p2p_port
    try:
        idle.add_peer()
    finally:
        idle.p2p_port = usual
    assert [p["permissions"] for p in idle.getpeerinfo()] == [
        [], ["bloomfilter", "forcerelay", "relay"]]
    idle.stop()


@pytest.mark.parametrize("arg, message", [
    ("-whitelist=oopsie@127.0.0.1", "Invalid P2P permission: 'oopsie'"),
    ("-whitelist=noban@127.0.0.1:230", "Invalid netmask specified in -whitelist: "
                                       "'127.0.0.1:230'"),
    ("-whitelist=in@127.0.0.1",
     'Only direction was set, no permissions: "in@127.0.0.1"'),
    ("-whitelist=out@127.0.0.1",
     'Only direction was set, no permissions: "out@127.0.0.1"'),
    ("-whitebind=noban@127.0.0.1", "Need to specify a port with -whitebind: '127.0.0.1'"),
    ("-whitebind=noban@abc:230", "Cannot resolve -whitebind address: 'abc:230'"),
    ("-whitebind=out,noban@127.0.0.1:230",
     'whitebind may only be used for incoming connections ("out" was passed)'),
])
def test_refused(idle, arg, message):
    assert idle.fails_to_start(arg, timeout=20) == f"Error: {message}"
