#!/usr/bin/env python3
"""Initial block download from a local peer, against -reindex-chainstate of the same chain.

Both end by themselves at the tip (-stopatheight) and run back to back with the same flags, all
processes on the same two cores. Prints for each round wall and CPU seconds of either, the CPU of
the node that serves, and the ratio; the limit is for the median of the rounds' wall ratios.

  bench_ibd.py --chain DIR [--build DIR] [--work DIR] [--runs 3] [--transport v1|v2|both]
               [--skip-scripts]

DIR of --chain is chaingen.py's (blocks.dat, manifest.json). --work keeps the data directories for
the next time. --skip-scripts shows what is left without signatures (-assumevalid, two weeks above);
it has no limit. Exit status 1 when the limit is broken. On a busy machine only the CPU figures say
something.
"""
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_reindex                                               # noqa: E402

FLAGS = [f for f in bench_reindex.FLAGS if not f.startswith(('-listen', '-connect'))]
LIMIT = 1.10
TICKS = os.sysconf('SC_CLK_TCK')


def daemon(build, datadir, *args):
    os.makedirs(datadir, exist_ok=True)
    return subprocess.Popen([os.path.join(build, 'ochred'), '-datadir=' + datadir, *FLAGS,
                             *args], stdout=subprocess.DEVNULL)


def timed(build, datadir, *args):
    """ochred until it ends by itself: (wall, cpu) seconds."""
    begin = time.monotonic()
    p = daemon(build, datadir, *args)
    _, status, use = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit('ochred %s ended with %d' % (' '.join(args), p.returncode))
    return time.monotonic() - begin, use.ru_utime + use.ru_stime


def cpu_of(process):
    """Seconds of CPU so far, by the kernel's clock of that process."""
    return time.clock_gettime(~process.pid << 3 | 2)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    """A node that has the chain."""

    def __init__(self, build, datadir):
        self.port, bench_reindex.RPC_PORT = free_port(), free_port()
        self.process = daemon(build, datadir, '-connect=0', '-listen=1',
                              '-bind=127.0.0.1:%d' % self.port,
                              '-rpcport=%d' % bench_reindex.RPC_PORT)
        rpc = bench_reindex.Rpc(datadir)
        while True:
            try:
                rpc('getblockcount')
                return
            except (RuntimeError, OSError):
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def prepare(a, work, height):
    """A data directory with the whole chain, and the flags that both runs get."""
    datadir = os.path.join(work, 'long' if a.skip_scripts else 'full')
    note = os.path.join(datadir, 'bench-tip')
    if not os.path.exists(note):
        if a.skip_scripts:
            tip = bench_reindex.prepare(a.build, datadir, a.chain, height)
        else:
            tip = '0'
            timed(a.build, datadir, '-listen=0', '-connect=0', '-stopafterblockimport',
                  '-loadblock=' + os.path.join(a.chain, 'blocks.dat'))
        with open(note, 'w') as f:
            f.write(tip)
    with open(note) as f:
        return datadir, ['-assumevalid=' + f.read(), '-stopatheight=%d' % height]


def reindex(build, datadir, extra):
    return timed(build, datadir, '-listen=0', '-connect=0', '-reindex-chainstate', *extra)


def download(build, server_dir, datadir, transport, extra):
    """(wall, cpu of the new node, cpu of the serving node)"""
    shutil.rmtree(datadir, ignore_errors=True)
    server = Server(build, server_dir)
    try:
        before = cpu_of(server.process)
        wall, cpu = timed(build, datadir, '-listen=0', '-connect=127.0.0.1:%d' % server.port,
                          '-v2transport=%d' % (transport == 'v2'), *extra)
        return wall, cpu, cpu_of(server.process) - before
    finally:
        server.stop()


def compare(a, full, work, transport, extra):
    """The rounds' ratios of wall time."""
    ratios = []
    for _ in range(a.runs):
        d_wall, d_cpu, s_cpu = download(a.build, full, os.path.join(work, 'new'), transport,
                                        extra)
        r_wall, r_cpu = reindex(a.build, os.path.join(work, 'new'), extra)
        ratios.append(d_wall / r_wall)
        print('  %s: reindex %.2f s wall, %.2f s CPU; download %.2f s wall, %.2f + %.2f s CPU; '
              'wall x %.3f, CPU x %.3f' % (transport, r_wall, r_cpu, d_wall, d_cpu, s_cpu,
                                           ratios[-1], (d_cpu + s_cpu) / r_cpu), flush=True)
    return ratios


def main():
    ap = bench_reindex.arguments(__doc__)
    ap.add_argument('--transport', choices=['v1', 'v2', 'both'], default='v2')
    ap.add_argument('--skip-scripts', action='store_true')
    a = ap.parse_args()
    with open(os.path.join(a.chain, 'manifest.json')) as f:
        height = json.load(f)['height']
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        work = a.work or scratch
        full, extra = prepare(a, work, height)
        for transport in ['v1', 'v2'] if a.transport == 'both' else [a.transport]:
            ratio = statistics.median(compare(a, full, work, transport, extra))
            verdict = 'ok' if ratio <= LIMIT else 'BROKEN'
            print('%s: download / reindex, wall  %.3f   limit %s   %s'
                  % (transport, ratio, LIMIT, '-' if a.skip_scripts else verdict))
            good &= a.skip_scripts or ratio <= LIMIT
    sys.exit(0 if good else 1)


if __name__ == '__main__':
    main()
