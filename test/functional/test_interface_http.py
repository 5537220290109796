"""HTTP: keep-alive, closing, authorisation, long URIs, methods."""
import http.client
import base64

import pytest

from framework import fixtures
from framework.rpc import dumps


node = fixtures.node_of_each()


def _auth(node):
    return {"Authorization": "Basic " + base64.b64encode(node._cookie().encode()).decode()}


@pytest.fixture
def conn(node):
    conn = http.client.HTTPConnection("127.0.0.1", node.rpc_port, timeout=30)
    conn.connect()
    yield conn
    conn.close()


BODY = '{"method": "getbestblockhash"}'


def test_connection_is_kept_by_default(node, conn):
    for _ in range(3):
        conn.request("POST", "/", BODY, _auth(node))
        assert b'"error":null' in conn.getresponse().read()
        assert conn.sock is not None


def test_keep_alive_is_honoured(node, conn):
    head = {**_auth(node), "Connection": "keep-alive"}
    for _ in range(2):
        conn.request("POST", "/", BODY, head)
        assert b'"error":null' in conn.getresponse().read()
        assert conn.sock is not None


def test_connection_close_is_honoured(node, conn):
    conn.request("POST", "/", BODY, {**_auth(node), "Connection": "close"})
    assert b'"error":null' in conn.getresponse().read()
    assert conn.sock is None


def test_no_or_wrong_credentials(node, conn):
    for head in ({}, {"Authorization": "Basic " + base64.b64encode(b"a:b").decode()},
                 {"Authorization": "Bearer x"}):
        conn.request("POST", "/", BODY, head)
        reply = conn.getresponse()
        assert reply.status == 401
        reply.read()


@pytest.mark.parametrize("length, status", [(1000, 404), (10000, 400)])
def test_long_uri(node, conn, length, status):
    conn.request("GET", "/" + "x" * length, "", _auth(node))
    reply = conn.getresponse()
    assert reply.status == status
    reply.read()


def test_only_post(node, conn):
    conn.request("GET", "/", None, _auth(node))
    reply = conn.getresponse()
    assert reply.status == 405
    assert reply.read() == b"JSONRPC server handles only POST requests"


def test_replies_are_json_and_end_with_a_newline(node):
    status, head, data = node.rpc.http(body=dumps(node.rpc.request("uptime", [])))
    assert status == 200 and head["Content-Type"] == "application/json"
    assert data.endswith(b"}\n")


def test_huge_body_is_refused(node, conn):
    """Sizes a caller chooses are limited before they are stored."""
    try:
        conn.request("POST", "/", b" " * (0x02000000 + 0x1000), _auth(node))
        assert conn.getresponse().status in (400, 413)
    except (ConnectionError, http.client.HTTPException):
        pass
    assert node.getblockcount() == 0
