"""Who may speak JSON-RPC: passwords, the cookie and its permissions, methods that a user
may call, and where the server listens."""
import base64
import hmac
import os
import stat

import pytest

from framework.params import BITCOIN
from framework.rpc import Client, dumps
from framework.sockets import listening
from framework.util import wait_until

SALT = "f7efda5c189b999524f151318c0c86"


def _rpcauth(user, password):
    digest = hmac.new(SALT.encode(), password.encode(), "sha256").hexdigest()
    return f"{user}:{SALT}${digest}"


def _status(node, login, method="getbestblockhash"):
    client = Client("127.0.0.1", node.rpc_port, login)
    head = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    status, _, _ = client.http(body=dumps(client.request(method, [])), headers=head,
                               auth=False)
    client.close()
    return status


def _await_server(node):
    """Without a cookie the framework cannot ask whether it has started."""
    wait_until(lambda: "init message: Done loading" in node.log())


def _end(node):
    node.process.terminate()
    node.wait_exit()


@pytest.fixture(name="users")
def fixture_users(lab):
    """A node with a plain user in its file, two hashed ones there and one on the command
    line."""
    lines = [f"rpcauth={_rpcauth('one', 'cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=')}",
             f"rpcauth={_rpcauth('two', '8/F3uMDw4KSEbw96U3CA1C4X05dkHDN2BPFjTgZW4KI=')}",
             "rpcuser=user\U0001f4bb", "rpcpassword=password\U0001f511"]
    node = lab.node(start=False, params=BITCOIN)
    node.write_conf("\n".join(lines) + "\n")
    node.spawn("-rpcauth=" + _rpcauth("three", "with:colon"))
    _await_server(node)
    yield node
    _end(node)


def test_passwords(users):
    right = ("one:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=",
             "two:8/F3uMDw4KSEbw96U3CA1C4X05dkHDN2BPFjTgZW4KI=",
             "user\U0001f4bb:password\U0001f511", "three:with:colon")
    for login in right:
        user, password = login.split(":", 1)
        assert _status(users, login) == 200, login
        for wrong in (f"{user}wrong:{password}", f"{login}wrong"):
            assert _status(users, wrong) == 401, wrong
    assert _status(users, ":") == 401
    log = users.log()
    for _, secret in (login.split(":", 1) for login in right):
        assert secret not in log
    assert not os.path.exists(users.path(".cookie"))


@pytest.mark.parametrize("value", ["''", "foo", "foo:bar", "foo:bar:baz", "foo$bar:baz",
                                   "foo:bar$baz$more"])
def test_malformed_hashes(lab, value):
    node = lab.node(start=False, params=BITCOIN)
    assert node.fails_to_start(f"-rpcauth={value}") == \
        "Error: Unable to start HTTP server. See debug log for details."
    assert "Invalid -rpcauth argument." in node.log()


def test_negated_hashes(lab):
    """-norpcauth cancels what stands before it."""
    node = lab.node("-rpcauth=" + _rpcauth("gone", "pw"), "-norpcauth",
                    "-rpcauth=" + _rpcauth("here", "pw"), params=BITCOIN)
    assert _status(node, "gone:pw") == 401 and _status(node, "here:pw") == 200


def test_who_may_read_the_cookie(lab):
    node = lab.node(start=False, params=BITCOIN)
    for who, mode in ((None, 0o600), ("owner", 0o600), ("group", 0o640), ("all", 0o644)):
        node.start(*([f"-rpccookieperms={who}"] if who else []))
        assert stat.S_IMODE(os.stat(node.path(".cookie")).st_mode) == mode, who
        node.stop()
        assert not os.path.exists(node.path(".cookie"))
    assert node.fails_to_start("-rpccookieperms=abc") == \
        "Error: Invalid -rpccookieperms=abc; must be one of 'owner', 'group', or 'all'."


@pytest.mark.parametrize("default", [0, 1])
def test_methods_of_users(lab, default):
    """Lists of one user are intersected; who has none may do all or nothing."""
    lists = {"a": ["getbestblockhash,getblockcount,"], "b": ["getblockcount"],
             "c": ["getblockcount, getbestblockhash ", "getblockcount,uptime"],
             "d": [""], "e": []}
    args = [f"-rpcauth={_rpcauth(u, 'pw')}" for u in lists]
    args += [f"-rpcwhitelist={u}:{m}" for u, all_ in lists.items() for m in all_]
    args += ["-rpcwhitelist=__cookie__:getmempoolinfo,stop",
             f"-rpcwhitelistdefault={default}"]
    node = lab.node(*args, params=BITCOIN)
    allowed = {"a": {"getbestblockhash", "getblockcount"}, "b": {"getblockcount"},
               "c": {"getblockcount"}, "d": set(),
               "e": set() if default else {"getbestblockhash", "getblockcount", "uptime"}}
    for user, may in allowed.items():
        for method in ("getbestblockhash", "getblockcount", "uptime"):
            assert _status(node, f"{user}:pw", method) == \
                (200 if method in may else 403), (user, method)
    assert "RPC User b not allowed to call method uptime" in node.log()


@pytest.mark.parametrize("args, want, warning", [
    ([], {"127.0.0.1", "::1"}, None),
    (["-rpcbind=127.0.0.1"], {"127.0.0.1", "::1"},
     "Option -rpcbind was ignored because -rpcallowip was not specified, refusing to "
     "allow everyone to connect"),
    (["-rpcallowip=127.0.0.1"], {"127.0.0.1", "::1"},
     "Option -rpcallowip was specified without -rpcbind; this doesn't usually make "
     "sense"),
    (["-rpcallowip=127.0.0.1", "-rpcbind=127.0.0.1"], {"127.0.0.1"}, None),
    (["-rpcallowip=127.0.0.1", "-rpcbind=127.0.0.1", "-rpcbind=[::1]"],
     {"127.0.0.1", "::1"}, None),
    (["-rpcallowip=::1", "-rpcbind=[::1]"], {"::1"}, None),
])
def test_where_the_server_listens(lab, args, want, warning):
    node = lab.node(start=False, params=BITCOIN)
    node.spawn(*args)
    _await_server(node)
    found = {host for host, port in listening(node.process.pid) if port == node.rpc_port}
    assert found == want
    assert warning is None or warning in node.log()
    _end(node)


def test_strangers_are_turned_away(lab):
    """Loopback is always allowed; other addresses need -rpcallowip."""
    node = lab.node("-rpcallowip=1.1.1.1", "-rpcbind=0.0.0.0", params=BITCOIN)
    assert node.getblockcount() == 0
    node.stop()
    assert node.fails_to_start("-rpcallowip=0.0.0.0/99").startswith(
        "Error: Invalid -rpcallowip subnet specification: 0.0.0.0/99. Valid are")
