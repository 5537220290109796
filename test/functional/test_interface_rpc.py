"""The JSON-RPC server: versions, batches, notifications, status codes, errors."""
import http.client
import json
import threading

import pytest

from framework import fixtures
from framework.rpc import dumps, expect_error, loads
from framework.util import wait_until

PARSE, INVALID_REQUEST, NO_METHOD, BAD_PARAMETER = -32700, -32600, -32601, -8


node = fixtures.node_of_each()


def _post(node, body):
    if not isinstance(body, (str, bytes)):
        body = dumps(body)
    status, _, data = node.rpc.http(body=body)
    return status, loads(data) if data else None


def _request(version, method, params=(), id_="x"):
    req = {"method": method, "params": list(params)}
    if version == "1.1":
        req["version"] = "1.1"
    elif version == "2.0":
        req["jsonrpc"] = "2.0"
    if id_ is not None:
        req["id"] = id_
    return req


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_legacy_replies(node, version):
    status, reply = _post(node, _request(version, "getblockcount"))
    assert status == 200 and reply == {"result": 0, "error": None, "id": "x"}
    status, reply = _post(node, _request(version, "invalidmethod"))
    assert status == 404
    assert reply == {"result": None, "id": "x",
                     "error": {"code": NO_METHOD, "message": "Method not found"}}
    status, reply = _post(node, _request(version, "getblockhash", [42]))
    assert status == 500
    assert reply["error"] == {"code": BAD_PARAMETER,
                              "message": "Block height out of range"}


def test_version_2_replies(node):
    status, reply = _post(node, _request("2.0", "getblockcount"))
    assert status == 200 and reply == {"jsonrpc": "2.0", "result": 0, "id": "x"}
    status, reply = _post(node, _request("2.0", "invalidmethod"))
    assert status == 200
    assert reply == {"jsonrpc": "2.0", "id": "x",
                     "error": {"code": NO_METHOD, "message": "Method not found"}}
    status, reply = _post(node, _request("2.0", "getblockhash", [42]))
    assert status == 200 and reply["error"]["code"] == BAD_PARAMETER
    assert "result" not in reply


def test_ids_come_back_unchanged(node):
    for id_ in (1, "text", None, 1.5, 10 ** 12):
        req = _request("2.0", "getblockcount", id_=0)
        req["id"] = id_
        status, reply = _post(node, req)
        if id_ is not None:
            assert status == 200 and json.loads(dumps(reply["id"])) is not None
            assert float(reply["id"]) == id_ if not isinstance(id_, str) \
                else reply["id"] == id_


def test_notifications(node):
    status, reply = _post(node, _request("2.0", "getblockcount", id_=None))
    assert (status, reply) == (204, None)
    status, reply = _post(node, _request("2.0", "getblockhash", [42], id_=None))
    assert (status, reply) == (204, None)
    # older versions know no notifications
    for version in ("1.0", "1.1"):
        status, reply = _post(node, _request(version, "getblockcount", id_=None))
        assert status == 200 and reply["result"] == 0 and "id" not in reply


def test_unsupported_version(node):
    req = _request("2.0", "getblockcount")
    req["jsonrpc"] = "2.1"
    status, reply = _post(node, req)
    assert status == 400
    assert reply["error"] == {"code": INVALID_REQUEST,
                              "message": "JSON-RPC version not supported"}
    req["jsonrpc"] = 2
    status, reply = _post(node, req)
    assert status == 400
    assert reply["error"]["message"] == "jsonrpc field must be a string"


@pytest.mark.parametrize("body, status, code, text", [
    ("not json", 500, PARSE, "Parse error"),
    ("", 500, PARSE, "Parse error"),
    ('{"method": "getblockcount"', 500, PARSE, "Parse error"),
    ("3", 500, PARSE, "Top-level object parse error"),
    ('"text"', 500, PARSE, "Top-level object parse error"),
    ("{}", 400, INVALID_REQUEST, "Missing method"),
    ('{"method": 1}', 400, INVALID_REQUEST, "Method must be a string"),
    ('{"method": "getblockcount", "params": 1}', 400, INVALID_REQUEST,
     "Params must be an array or object"),
])
def test_malformed_requests(node, body, status, code, text):
    got, reply = _post(node, body)
    assert (got, reply["error"]["code"], reply["error"]["message"]) == (
        status, code, text)


def test_batches_mix_good_and_bad(node):
    for version in ("1.1", "2.0"):
        replies = node.rpc.batch([("getblockcount", []), ("getblockhash", [42]),
                                  ("invalidmethod", []), ("getblockhash", [0])], version)
        assert replies[0]["result"] == 0
        assert replies[1]["error"]["code"] == BAD_PARAMETER
        assert replies[2]["error"]["code"] == NO_METHOD
        assert len(replies[3]["result"]) == 64
        assert ("jsonrpc" in replies[0]) == (version == "2.0")


def test_batch_shapes(node):
    assert _post(node, []) == (200, [])
    status, reply = _post(node, [1, _request("2.0", "getblockcount")])
    assert status == 200
    assert reply[0]["error"]["code"] == INVALID_REQUEST
    assert reply[0]["error"]["message"] == "Invalid Request object"
    assert reply[1]["result"] == 0
    # only notifications: nothing to say
    note = _request("2.0", "getblockcount", id_=None)
    assert _post(node, [note, note]) == (204, None)
    status, reply = _post(node, [note, _request("2.0", "uptime")])
    assert status == 200 and len(reply) == 1


def test_getrpcinfo(node):
    info = node.getrpcinfo()
    (command,) = info["active_commands"]
    assert command["method"] == "getrpcinfo" and command["duration"] >= 0
    assert info["logpath"] == node.path("debug.log")


def test_wrong_types_name_the_parameter(node):
    status, reply = _post(node, _request("2.0", "getblockhash", ["zero"]))
    assert reply["error"]["code"] == -3
    assert reply["error"]["message"] == (
        'Wrong type passed:\n{\n    "Position 1 (height)": "JSON value of type string '
        'is not of expected type number"\n}')


def test_missing_or_surplus_arguments_show_the_help(node):
    for params in ([], [0, 1]):
        _, reply = _post(node, _request("2.0", "getblockhash", params))
        assert reply["error"]["code"] == -1
        assert reply["error"]["message"].startswith("getblockhash height\n")


def test_deeply_nested_json_is_refused(node):
    status, reply = _post(node, "[" * 1000 + "]" * 1000)
    assert status == 500 and reply["error"]["code"] == PARSE


def test_null_characters_are_refused(node):
    """What stands behind one would be lost."""
    for arguments in (["a\0b"], [{"a\0": 1}], [["x", {"y": "z\0"}]]):
        assert node.echo(*arguments) == arguments
        expect_error(-8 if arguments == ["a\0b"] else -3, None, node.help, *arguments)
    expect_error(-8, "Position 1 (address) has a null character", node.validateaddress,
                 "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw\0x")
    expect_error(-8, "Position 1 (wallet_name) has a null character", node.createwallet,
                 "x\0y")
    expect_error(-8, "Position 2 (outputs) has a null character",
                 node.createrawtransaction, [], {"data\0": "00"})
    expect_error(-32601, "Method not found", node.rpc.call, "getblockcount\0")


def test_warm_up_and_whitelists(lab, params):
    node = lab.node("-rpcauth=reader:" + _rpcauth("pw"),
                    "-rpcwhitelist=reader:getblockcount,getbestblockhash",
                    "-rpcwhitelistdefault=0", params=params)
    limited = type(node.rpc)("127.0.0.1", node.rpc_port, "reader:pw")
    assert limited.getblockcount() == 0
    status, _, _ = limited.http(body=dumps(limited.request("getblockchaininfo", [])))
    assert status == 403
    assert node.getblockchaininfo()["blocks"] == 0    # the cookie user is not listed
    wrong = type(node.rpc)("127.0.0.1", node.rpc_port, "reader:pw2")
    status, head, _ = wrong.http(body=dumps(wrong.request("getblockcount", [])))
    assert status == 401
    assert head["WWW-Authenticate"] == 'Basic realm="jsonrpc"'


def _rpcauth(password):
    import hashlib
    import hmac
    salt = "0123456789abcdef"
    digest = hmac.new(salt.encode(), password.encode(), hashlib.sha256).hexdigest()
    return f"{salt}${digest}"


def test_full_work_queue_is_said(lab):
    node = lab.node("-rpcworkqueue=1", "-rpcthreads=1")
    full = []

    def hammer():
        client = type(node.rpc)("127.0.0.1", node.rpc_port, node._cookie)
        while not full:
            status, _, data = client.http(body=dumps(client.request("getrpcinfo", [])))
            if status == 503:
                assert b"Work queue depth exceeded" in data
                full.append(True)

    # one call occupies the only thread for a while, the others queue up
    threads = [threading.Thread(target=hammer) for _ in range(4)]
    try:
        blocker = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=60)
        blocker.request("POST", "/", dumps(node.rpc.request("waitfornewblock", [3000])),
                        {"Authorization": node.rpc._auth()})
        for t in threads:
            t.start()
        wait_until(lambda: full)
    finally:
        full.append(True)
        for t in threads:
            t.join(30)
        blocker.getresponse().read()
