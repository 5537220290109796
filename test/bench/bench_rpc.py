#!/usr/bin/env python3
"""What everyday calls cost the node, in CPU time of its process.

  start             empty directory to the first JSON-RPC answer, wall (median of 5)
  idle memory       resident MiB of a fresh regtest node
  sendraw           sendrawtransaction of 20,000 transactions over one keep-alive connection into an
                    empty mempool: microseconds of node CPU each
  sendraw batches   the same in batches of 100
  getblock 2        getblock with verbosity 2 of a full block, milliseconds (median of 9)

  bench_rpc.py --chain DIR [--build DIR]

DIR of --chain is chaingen.py's (blocks.dat, mempool.hex). Exit status 1 when a limit is broken.
"""
import argparse
import base64
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PORT = 31643
BASE = ['-bitcoin', '-regtest', '-listen=0', '-connect=0', '-printtoconsole=0',
        '-rpcport=%d' % PORT]
LIMITS = {'start': 100, 'idle memory': 40, 'sendraw': 190, 'sendraw batches': 130,
          'getblock 2': 60}


class Node:
    """A running ochred with one keep-alive connection to it."""

    def __init__(self, build, datadir, *args):
        self.process = subprocess.Popen(
            [os.path.join(build, 'ochred'), '-datadir=' + datadir, *BASE, *args])
        self.cookie = os.path.join(datadir, 'regtest', '.cookie')
        self.connection = None

    def post(self, body):
        if self.connection is None:
            with open(self.cookie, 'rb') as f:
                auth = base64.b64encode(f.read()).decode()
            self.headers = {'Authorization': 'Basic ' + auth}
            self.connection = http.client.HTTPConnection('127.0.0.1', PORT, timeout=600)
        self.connection.request('POST', '/', body, self.headers)
        return self.connection.getresponse().read()

    def call(self, method, *params):
        reply = json.loads(self.post(json.dumps({'method': method, 'params': params, 'id': 0})))
        if reply['error']:
            raise RuntimeError('%s: %s' % (method, reply['error']))
        return reply['result']

    def wait(self):
        while self.process.poll() is None:
            try:
                return self.call('getblockcount')
            except (OSError, RuntimeError, ValueError):
                self.connection = None
                time.sleep(0.001)
        sys.exit('ochred ended with %d' % self.process.returncode)

    def cpu(self):
        """Seconds of CPU so far, by the kernel's clock of that process."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def resident(self):
        with open('/proc/%d/status' % self.process.pid) as f:
            return next(int(l.split()[1]) for l in f if l.startswith('VmRSS')) / 1024

    def stop(self):
        self.call('stop')
        self.process.wait()


def bench_start(build, out):
    times = []
    for _ in range(5):
        datadir = tempfile.mkdtemp()
        begin = time.monotonic()
        node = Node(build, datadir)
        node.wait()
        times.append((time.monotonic() - begin) * 1000)
        time.sleep(0.5)
        out['idle memory'] = node.resident()
        node.stop()
        shutil.rmtree(datadir)
    out['start'] = statistics.median(times)


def load_chain(build, datadir, chain):
    node = Node(build, datadir, '-loadblock=' + os.path.join(chain, 'blocks.dat'))
    with open(os.path.join(chain, 'manifest.json')) as f:
        height = json.load(f)['height']
    while node.wait() < height:
        time.sleep(0.2)
    return node


def sends(chain):
    with open(os.path.join(chain, 'mempool.hex')) as f:
        return [json.dumps({'method': 'sendrawtransaction', 'params': [line.strip()], 'id': i})
                for i, line in enumerate(f)]


def bench_send(node, bodies, name, out):
    before = node.cpu()
    for body in bodies:
        node.post(body)
    count = node.call('getmempoolinfo')['size']
    out[name] = (node.cpu() - before) / count * 1e6
    return count


def bench_mempool(build, datadir, chain, out):
    calls = sends(chain)
    batches = ['[' + ','.join(calls[i:i + 100]) + ']' for i in range(0, len(calls), 100)]
    for name, bodies in (('sendraw', calls), ('sendraw batches', batches)):
        mempool = os.path.join(datadir, 'regtest', 'mempool.dat')
        if os.path.exists(mempool):
            os.remove(mempool)
        node = Node(build, datadir, '-persistmempool=0', '-maxtipage=1000000000')
        node.wait()
        count = bench_send(node, bodies, name, out)
        if count != len(calls):
            sys.exit('%s: only %d of %d transactions were accepted' % (name, count, len(calls)))
        node.stop()


def bench_getblock(node, out):
    block = node.call('getblockhash', node.call('getblockcount'))
    body = json.dumps({'method': 'getblock', 'params': [block, 2], 'id': 0})
    times = []
    for _ in range(9):
        before = node.cpu()
        size = len(node.post(body))
        times.append((node.cpu() - before) * 1000)
    out['getblock 2'] = statistics.median(times)
    print('getblock 2: %d octets of JSON' % size)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--chain', required=True)
    p.add_argument('--build', default='.')
    a = p.parse_args()
    out = {}
    bench_start(a.build, out)
    datadir = tempfile.mkdtemp()
    node = load_chain(a.build, datadir, a.chain)
    bench_getblock(node, out)
    node.stop()
    bench_mempool(a.build, datadir, a.chain, out)
    shutil.rmtree(datadir)
    broken = False
    for name, limit in LIMITS.items():
        ok = out[name] <= limit
        broken |= not ok
        print('%-16s %8.1f   limit %6.0f   %s' % (name, out[name], limit, 'ok' if ok else 'BROKEN'))
    sys.exit(broken)


if __name__ == '__main__':
    main()
