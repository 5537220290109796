#!/usr/bin/env python3
"""How long -reindex-chainstate takes over a heavy chain, and against what.

Measures ochred from start to exit (CPU seconds, wall seconds, peak memory; median of several
runs) over the chain of chaingen.py, prints the ratios that matter and says which of them are
within their limits:

  CPU / pure signature cost   verifications executed (failed tries of CHECKMULTISIG included)
                              times what bench_verify measures for one, in the same run
  wall / CPU                  how well the cores are used
  peak memory
  with scripts / without      blocks up to the heavy tip, -assumevalid set two weeks above it

  bench_reindex.py --chain DIR [--build DIR] [--work DIR] [--runs 3]

DIR of --chain holds blocks.dat and manifest.json. --work keeps the data directory for the next
time. Exit status 1 when a limit is broken.
"""
import argparse
import base64
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

FLAGS = ['-bitcoin', '-regtest', '-listen=0', '-connect=0', '-par=2', '-dbcache=450',
         '-checkblockindex=0', '-checkmempool=0', '-checkblocks=1', '-checklevel=0',
         '-printtoconsole=0', '-disablewallet']
ON_TOP = 2100  # blocks: two weeks of work
RPC_PORT = 31543
LIMITS = {'cpu': 1.35, 'wall': 0.55, 'mem': 130.0, 'skip': 6.0}

# Verifications per input: the second of two signatures fails once against a 2-of-3.
ECDSA = {'p2wpkh': 1, 'p2wsh_2of3': 3, 'p2pkh': 1}
SCHNORR = {'p2tr_key': 1, 'p2tr_script': 1}


def run(build, datadir, *args):
    """ochred until it ends by itself: (cpu seconds, wall seconds, peak MiB)."""
    begin = time.monotonic()
    p = subprocess.Popen([os.path.join(build, 'ochred'), '-datadir=' + datadir, *FLAGS, *args],
                         stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit('ochred %s ended with %d; see %s/regtest/debug.log'
                 % (' '.join(args), p.returncode, datadir))
    return use.ru_utime + use.ru_stime, time.monotonic() - begin, use.ru_maxrss / 1024


class Rpc:
    def __init__(self, datadir):
        cookie = os.path.join(datadir, 'regtest', '.cookie')
        while not os.path.exists(cookie):
            time.sleep(0.05)
        with open(cookie, 'rb') as f:
            self.auth = base64.b64encode(f.read()).decode()

    def __call__(self, method, *params):
        c = http.client.HTTPConnection('127.0.0.1', RPC_PORT, timeout=600)
        c.request('POST', '/', json.dumps({'method': method, 'params': params, 'id': 0}),
                  {'Authorization': 'Basic ' + self.auth})
        reply = json.loads(c.getresponse().read())
        if reply['error']:
            raise RuntimeError('%s: %s' % (method, reply['error']))
        return reply['result']


def prepare(build, datadir, chain, height):
    """The heavy chain in a data directory, ON_TOP blocks above it. Returns the tip's hash."""
    os.makedirs(datadir, exist_ok=True)
    p = subprocess.Popen([os.path.join(build, 'ochred'), '-datadir=' + datadir, *FLAGS,
                          '-rpcport=%d' % RPC_PORT,
                          '-loadblock=' + os.path.join(chain, 'blocks.dat')])
    try:
        rpc = Rpc(datadir)
        while True:
            try:
                have = rpc('getblockcount')
            except (RuntimeError, OSError):
                have = -1
            if have >= height:
                break
            time.sleep(0.2)
        while have < height + ON_TOP:
            rpc('generatetodescriptor', min(100, height + ON_TOP - have), 'raw(51)')
            have = rpc('getblockcount')
        return rpc('getblockhash', height + ON_TOP)
    finally:
        p.terminate()
        p.wait()


def verifications(manifest):
    kinds = manifest['chain']['in_kinds']
    return (sum(kinds[k] * n for k, n in ECDSA.items()),
            sum(kinds[k] * n for k, n in SCHNORR.items()))


def signature_cost(build, manifest):
    out = subprocess.run([os.path.join(build, 'test', 'bench', 'bench_verify')],
                         check=True, capture_output=True, text=True).stdout
    us = dict(line.split() for line in out.splitlines())
    ecdsa, schnorr = verifications(manifest)
    print('one verification   ECDSA %s us, Schnorr %s us' % (us['ecdsa'], us['schnorr']))
    print('verifications      ECDSA %d, Schnorr %d' % (ecdsa, schnorr))
    return (ecdsa * float(us['ecdsa']) + schnorr * float(us['schnorr'])) / 1e6


def median_of(runs, build, datadir, *args):
    results = []
    for _ in range(runs):
        results.append(run(build, datadir, *args))
        print('  %s: cpu %.2f s, wall %.2f s, peak %.1f MiB' % (args[1], *results[-1]))
    return [statistics.median(r[i] for r in results) for i in range(3)]


def verdict(name, value, good, limit):
    print('%-28s %7.2f   limit %s   %s' % (name, value, limit, 'ok' if good else 'BROKEN'))
    return good


def arguments(doc):
    """What every bench over a heavy chain takes."""
    ap = argparse.ArgumentParser(description=doc,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--chain', required=True)
    ap.add_argument('--build', default='.')
    ap.add_argument('--work')
    ap.add_argument('--runs', type=int, default=3)
    return ap


def main():
    ap = arguments(__doc__)
    a = ap.parse_args()
    with open(os.path.join(a.chain, 'manifest.json')) as f:
        manifest = json.load(f)
    height = manifest['height']
    with tempfile.TemporaryDirectory() as scratch:
        datadir = a.work or scratch
        tip_file = os.path.join(datadir, 'bench-tip')
        if not os.path.exists(tip_file):
            tip = prepare(a.build, datadir, a.chain, height)
            with open(tip_file, 'w') as f:
                f.write(tip)
        with open(tip_file) as f:
            tip = f.read()
        stop = '-stopatheight=%d' % height
        pure = signature_cost(a.build, manifest)
        cpu, wall, peak = median_of(a.runs, a.build, datadir, '-reindex-chainstate',
                                    '-assumevalid=0', stop)
        skip_cpu, skip_wall, _ = median_of(a.runs, a.build, datadir, '-reindex-chainstate',
                                           '-assumevalid=' + tip, stop)
    print('pure signature cost %.2f s; with scripts %.2f s CPU, %.2f s wall; without %.2f s CPU, '
          '%.2f s wall' % (pure, cpu, wall, skip_cpu, skip_wall))
    ok = [verdict('CPU / signatures', cpu / pure, cpu / pure <= LIMITS['cpu'], LIMITS['cpu']),
          verdict('wall / CPU', wall / cpu, wall / cpu <= LIMITS['wall'], LIMITS['wall']),
          verdict('peak MiB', peak, peak <= LIMITS['mem'], LIMITS['mem']),
          verdict('with / without scripts', wall / skip_wall,
                  wall / skip_wall >= LIMITS['skip'], LIMITS['skip'])]
    sys.exit(0 if all(ok) else 1)


if __name__ == '__main__':
    main()
