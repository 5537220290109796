"""Layers between a daemon and the C library, compiled when they are needed."""
import os
import subprocess

import pytest


def build_layer(directory, name):
    """Compiles framework/<name>.c; returns the path to preload."""
    source = os.path.join(os.path.dirname(__file__), name + ".c")
    out = os.path.join(directory, name + ".so")
    cc = os.environ.get("CC", "cc")
    done = subprocess.run([cc, "-O1", "-shared", "-fPIC", "-o", out, source, "-ldl",
                           "-lpthread"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{cc} cannot build {name}.c: {done.stderr}")
    return out


def merge(*layers):
    """One environment of several; the first layer is the one that the daemon calls. A
    sanitized daemon is told not to mind that its own runtime comes behind them."""
    env = {}
    for layer in layers:
        env.update(layer, LD_PRELOAD=":".join(
            filter(None, (env.get("LD_PRELOAD"), layer.get("LD_PRELOAD")))))
    if env.get("LD_PRELOAD"):
        env["ASAN_OPTIONS"] = ":".join(filter(None, (
            env.get("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS")),
            "verify_asan_link_order=0")))
    return {k: v for k, v in env.items() if v}
