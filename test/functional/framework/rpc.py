"""JSON-RPC client: keep-alive, batches, named arguments, every protocol version."""
import base64
from decimal import Decimal
import http.client
import json
import threading

import pytest

from . import jitter

TIMEOUT = 120
BATCH = 100


class RPCError(Exception):
    """An error object in a reply."""

    def __init__(self, error, status):
        super().__init__(f"{error.get('message')} ({error.get('code')})")
        self.code = error.get("code")
        self.message = error.get("message")
        self.status = status


class _Decimals(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, Decimal):
            return format(o, "f")
        return super().default(o)


def dumps(value):
    return json.dumps(value, cls=_Decimals)


def loads(text):
    return json.loads(text, parse_float=Decimal)


class Client:
    """One endpoint. Every thread has its own connection."""

    def __init__(self, host, port, credentials, path="/", timeout=TIMEOUT):
        self.host, self.port, self.path, self.timeout = host, port, path, timeout
        self.credentials = credentials   # "user:password", or a function
        self._local = threading.local()
        self._id = 0

    def _auth(self):
        text = self.credentials() if callable(self.credentials) else self.credentials
        return "Basic " + base64.b64encode(text.encode()).decode()

    def close(self):
        conn = getattr(self._local, "conn", None)
        if conn:
            conn.close()
        self._local.conn = None

    def open(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)

    def http(self, method="POST", body=None, path=None, headers=None, auth=True):
        """One HTTP exchange; returns (status, headers, body)."""
        head = {"Content-Type": "application/json"}
        if auth:
            head["Authorization"] = self._auth()
        head.update(headers or {})
        jitter.pause()
        for attempt in (0, 1):
            conn = getattr(self._local, "conn", None)
            fresh = conn is None
            if fresh:
                conn = self._local.conn = self.open()
            try:
                conn.request(method, path or self.path, body, head)
                reply = conn.getresponse()
                data = reply.read()
                if reply.will_close:
                    self.close()
                return reply.status, dict(reply.getheaders()), data
            except (http.client.HTTPException, OSError):
                self.close()
                if fresh or attempt:
                    raise

    def request(self, method, params, version="1.1"):
        self._id += 1
        req = {"method": method, "params": params, "id": self._id}
        if version != "1.0":
            req["version" if version == "1.1" else "jsonrpc"] = version
        return req

    def call(self, method, *args, **kwargs):
        """Positional, named, or both (then under "args", as bitcoind has it)."""
        if kwargs and args:
            kwargs = {"args": list(args), **kwargs}
        req = self.request(method, kwargs or list(args))
        status, _, data = self.http(body=dumps(req))
        if not data:
            raise RPCError({"code": None, "message": f"empty reply, HTTP {status}"}, status)
        reply = loads(data)
        if reply.get("error") is not None:
            raise RPCError(reply["error"], status)
        assert status == 200 and reply["id"] == req["id"]
        return reply["result"]

    def batch(self, calls, version="2.0"):
        """calls: [(method, params)]; returns the reply objects in order."""
        reqs = [self.request(m, p, version) for m, p in calls]
        status, _, data = self.http(body=dumps(reqs))
        assert status == 200, (status, data)
        by_id = {r["id"]: r for r in loads(data)}
        return [by_id[r["id"]] for r in reqs]

    def many(self, method, params):
        """Results of one method for each list of parameters, in a few exchanges."""
        params, results = list(params), []
        for i in range(0, len(params), BATCH):
            for reply in self.batch([(method, p) for p in params[i:i + BATCH]]):
                if reply.get("error") is not None:
                    raise RPCError(reply["error"], 200)
                results.append(reply["result"])
        return results

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.call(name, *args, **kwargs)


def expect_error(code, message, method, *args, **kwargs):
    """The call must fail with this code and a message that contains this text."""
    with pytest.raises(RPCError) as info:
        method(*args, **kwargs)
    err = info.value
    assert (err.code if code is not None else None) == code, err
    assert message is None or message in err.message, err
    return err
