"""Fixtures: nodes that live as long as a module or one test, for each personality."""
import os
import shutil

import pytest

from framework import jitter
from framework.lab import Lab
from framework.params import BITCOIN, OCHRE, PERSONALITIES

KEEP = os.environ.get("OCHRE_TEST_KEEP") == "1"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Lets fixtures see whether the test failed; adds the end of the logs."""
    report = (yield).get_result()
    if report.failed:
        item.session.ochre_failed = True
        for lab in getattr(item.module, "_ochre_labs", []):
            report.sections += lab.log_tails()


def pytest_terminal_summary(terminalreporter):
    if jitter.SEED:
        terminalreporter.line(f"threads came late at random: OCHRE_JITTER={jitter.SEED}")


def _lab(request, tmp_path_factory, name):
    lab = Lab(str(tmp_path_factory.mktemp(name)))
    labs = request.node.getparent(pytest.Module).module.__dict__.setdefault(
        "_ochre_labs", [])
    labs.append(lab)
    failed_before = getattr(request.session, "ochre_failed", False)
    yield lab
    labs.remove(lab)
    lab.close()
    failed = getattr(request.session, "ochre_failed", False)
    if not KEEP and (not failed or failed_before):
        shutil.rmtree(lab.root, ignore_errors=True)


@pytest.fixture
def lab(request, tmp_path_factory):
    """Nodes of one test."""
    yield from _lab(request, tmp_path_factory, "test")


@pytest.fixture(scope="module")
def module_lab(request, tmp_path_factory):
    """Nodes that all tests of a module share."""
    yield from _lab(request, tmp_path_factory, "module")


@pytest.fixture(scope="module", params=PERSONALITIES, ids=lambda p: p.name)
def params(request):
    """Runs what uses it once as Ochre and once as Bitcoin."""
    return request.param


@pytest.fixture(scope="module")
def bitcoin():
    return BITCOIN


@pytest.fixture(scope="module")
def ochre():
    return OCHRE
