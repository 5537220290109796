#!/usr/bin/env python3
"""Checks that includes in src/ only point down the layers (doc/hacking.md, "Layers"), and that
each outside library is reached from its own folder only. Prints every breach; exit 1 if any."""
import pathlib
import re
import sys

# A folder may include itself and everything in the folders named here.
CHAIN = ['prim', 'params', 'script', 'rules', 'store', 'state', 'validation', 'mempool', 'mining']
BASE = {'util', 'crypto', 'io', 'db'}
MAY = {
    'util': set(),
    'crypto': {'util'},
    'io': {'util', 'crypto'},
    'db': {'util', 'crypto'},
    'storage/raptorq': {'util', 'crypto'},
}
for i, sub in enumerate(CHAIN):
    MAY[f'chain/{sub}'] = {'util', 'crypto', 'db'} | {f'chain/{s}' for s in CHAIN[:i]}
ALL_CHAIN = {f'chain/{s}' for s in CHAIN}
MAY['tickets'] = BASE | ALL_CHAIN
MAY['mn'] = MAY['tickets'] | {'tickets'}
MAY['net'] = BASE | ALL_CHAIN
MAY['wallet'] = {'util', 'crypto', 'db'} | ALL_CHAIN
MAY['rpc'] = BASE | ALL_CHAIN | {'tickets', 'mn', 'net', 'wallet', 'storage/raptorq'}
MAY['gateway'] = MAY['rpc'] | {'rpc'}
MAY['node'] = MAY['gateway'] | {'gateway'}
MAY['cli'] = MAY['node'] | {'node'}

# Header prefix of an outside library -> the folders that may reach it.
LIBRARIES = [
    (r'leveldb/', {'db'}),
    (r'sqlite3', {'db'}),
    (r'event2/', {'io'}),
    (r'nghttp2/', {'io'}),
    (r'secp256k1', {'crypto'}),
    (r'sodium', {'crypto'}),
    (r'openssl/ssl', {'io'}),
    (r'openssl/', {'crypto', 'io'}),
    (r'zmq', {'io'}),
]


def layer_of(path):
    """Longest known folder that is a prefix of the path; None for files outside all layers."""
    parts = path.split('/')
    for n in range(len(parts) - 1, 0, -1):
        name = '/'.join(parts[:n])
        if name in MAY:
            return name
    return None


def breaches(src):
    for file in sorted(src.rglob('*.[ch]')):
        name = file.relative_to(src).as_posix()
        layer = layer_of(name)
        if layer is None:
            yield f'{name}: stands in no layer'
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not m:
                continue
            target = m.group(2)
            if m.group(1) == '<':
                for prefix, folders in LIBRARIES:
                    if re.match(prefix, target):
                        if layer not in folders:
                            yield f'{name}:{number}: <{target}> only from {", ".join(sorted(folders))}'
                        break
                continue
            other = layer_of(target)
            if other is not None and other != layer and other not in MAY[layer]:
                yield f'{name}:{number}: {layer} must not include {other} ("{target}")'


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    found = list(breaches(root / 'src'))
    for line in found:
        print(line)
    print(f'{len(found)} breaches of the layers')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
