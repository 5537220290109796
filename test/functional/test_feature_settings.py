"""settings.json: what is read, logged, refused, ignored and kept."""
import json
import os

import pytest

from framework import fixtures


node = fixtures.node_of_each()


@pytest.fixture(name="idle")
def fixture_idle(node):
    """The node, stopped; with the settings that the test writes it starts again."""
    node.stop()
    yield node
    node.stop()
    os.unlink(_file(node))
    node.start()


def _file(node, name="settings.json"):
    return node.path(name)


def _write(path, text):
    with open(path, "w", encoding="utf8") as f:
        f.write(text)


def _read(path):
    with open(path, encoding="utf8") as f:
        return json.load(f)


def test_a_new_file_holds_a_warning_only(node):
    assert list(_read(_file(node))) == ["_warning_"]


def test_values_are_logged_and_kept(idle):
    values = {"string": "string", "num": 5, "bool": True, "null": None, "list": [6, 7],
              "uacomment": "hello", "torpassword": "secret"}
    _write(_file(idle), json.dumps(values))
    start = idle.log_size()
    idle.start()
    assert "hello" in idle.getnetworkinfo()["subversion"]
    idle.stop()
    log = idle.log(start)
    for name in ("bool", "list", "null", "num", "string"):
        assert f"Ignoring unknown rw_settings value {name}\n" in log
    for line in ('string = "string"', "num = 5", "bool = true", "null = null",
                 "list = [6,7]", 'uacomment = "hello"', "torpassword = ****"):
        assert f"Setting file arg: {line}\n" in log
    assert _read(_file(idle)) == values


def test_a_wallet_leaves_the_rest_alone(idle):
    _write(_file(idle), '{"num": 5, "list": [6, {"a": null}]}')
    idle.start()
    idle.createwallet("kept", load_on_startup=True)
    idle.stop()
    got = _read(_file(idle))
    assert got["num"] == 5 and got["list"] == [6, {"a": None}]
    assert got["wallet"] == ["kept"]
    idle.start()
    assert idle.listwallets() == ["kept"]
    idle.unloadwallet("kept", False)


@pytest.mark.parametrize("text, message", [
    ("invalid json", "does not contain valid JSON. This is probably caused by disk "
                     "corruption or a crash"),
    ('"string"', 'Found non-object value "string" in settings file'),
    ("[1]", "Found non-object value [1] in settings file"),
    ('{"key": 1, "key": 2}', "Found duplicate key key in settings file"),
    ("", "does not contain valid JSON"),
])
def test_files_that_are_refused(idle, text, message):
    _write(_file(idle), text)
    err = idle.fails_to_start()
    assert err.startswith("Error: Settings file could not be read:\n- ") and \
        message in err, err
    start = idle.log_size()
    idle.start("-nosettings")
    assert "Command-line arg: settings=false\n" in idle.log(start)
    idle.stop()
    with open(_file(idle), encoding="utf8") as f:
        assert f.read() == text


def test_another_file(idle):
    other = _file(idle, "altsettings.json")
    _write(other, '{"key": "value"}')
    start = idle.log_size()
    idle.start(f"-settings={other}")
    idle.stop()
    assert 'Setting file arg: key = "value"\n' in idle.log(start)
    idle.start("-settings=altsettings.json")
