"""Starting: flags, configuration files, refusals with a way out, files of a data dir."""
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from framework.node import StartError, program
from framework.params import BITCOIN, OCHRE
from framework.rpc import expect_error
from framework.util import wait_until
from framework.wallet import MiniWallet


@pytest.fixture
def idle(lab, params):
    """A node that is set up but not started."""
    return lab.node(params=params, start=False)


# Command line -----------------------------------------------------------------

def test_unknown_flag(idle):
    assert idle.fails_to_start("-fakearg") == (
        "Error: Error parsing command line arguments: Invalid parameter -fakearg")


def test_stray_word(idle):
    assert idle.fails_to_start("nonsense") == (
        "Error: Command line contains unexpected token 'nonsense', see ochred -h for a "
        "list of options.")


@pytest.mark.parametrize("option, message", [
    ("-maxmempool=4", "Error: -maxmempool must be at least 5 MB"),
    ("-prune=-1", "Error: Prune cannot be configured with a negative value."),
    ("-prune=549", "Error: Prune configured below the minimum of 550 MiB.  Please use a "
                   "higher number."),
    ("-assumevalid=xyz", "Error: Invalid assumevalid block hash specified (xyz), must be "
                         "up to 64 hex digits (or 0 to disable)"),
    ("-minimumchainwork=xyz", "Error: Invalid minimum work specified (xyz), must be up "
                              "to 64 hex digits"),
    ("-minrelaytxfee=abc", "Error: Invalid amount for -minrelaytxfee=<amount>: 'abc'"),
    ("-blockmintxfee=abc", "Error: Invalid amount for -blockmintxfee=<amount>: 'abc'"),
    ("-uacomment=a(b", "Error: User Agent comment (a(b) contains unsafe characters."),
    ("-uacomment=/", "Error: User Agent comment (/) contains unsafe characters."),
    ("-loglevel=net:nonsense", "Error: Unsupported category-specific logging level "),
    ("-testactivationheight=nosuch@1", "Error: Invalid name (nosuch@1) for "
                                       "-testactivationheight=name@height."),
    ("-testactivationheight=csv", "Error: Invalid format (csv) for "
                                  "-testactivationheight=name@height."),
    ("-debuglogfile=/nonexistent/x/debug.log", "Error: Could not open debug log file "),
    ("-rpcauth=foo", "Error: Unable to start HTTP server. See debug log for details."),
    ("-conf=nowhere.conf", "Error: Error reading configuration file: specified config file "
                           '"'),
])
def test_bad_values_are_refused_by_name(idle, option, message):
    assert message in idle.fails_to_start(option)


def test_user_agent_comment(lab, params):
    node = lab.node("-uacomment=testnode0", "-uacomment=foo", params=params)
    assert node.getnetworkinfo()["subversion"].endswith("(testnode0; foo)/")
    assert node.getnetworkinfo()["subversion"].startswith(f"/{params.user_agent}:")
    node.stop()
    err = node.fails_to_start(f"-uacomment={'a' * 256}")
    assert re.fullmatch(
        r"Error: Total length of network version string \(\d+\) exceeds maximum length "
        r"\(256\)\. Reduce the number or size of uacomments\.", err)


def test_help_and_version_do_not_start_anything(idle):
    for flag in ("-help", "-version", "-help-debug"):
        done = subprocess.run(idle.command((flag,)), capture_output=True, text=True,
                              timeout=30, check=False)
        assert done.returncode == 0 and done.stderr == ""
    assert not os.path.exists(idle.chain_dir)


def test_missing_data_directory(idle):
    shutil.rmtree(idle.dir)
    err = idle.fails_to_start()
    assert err == (f'Error: Specified data directory "{idle.dir}" does not exist.')


def test_other_bitcoin_networks_are_refused(lab):
    node = lab.node(params=BITCOIN, start=False)
    os.unlink(node.conf_path)
    for chain in ("main", "test", "signet"):
        done = subprocess.run(
            [program("ochred"), "-bitcoin", f"-chain={chain}", f"-datadir={node.dir}"],
            capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1 and "regtest" in done.stderr


def test_two_networks_at_once(idle):
    err = idle.fails_to_start("-testnet")
    assert "combination of -regtest, -signet, -testnet" in err


# Configuration file -----------------------------------------------------------

def test_unknown_key_in_bitcoin_conf_is_skipped(lab):
    node = lab.node(params=BITCOIN, start=False)
    node.write_conf("nosuchkey=1\nupnp=0\nunsafesqlitesync=1\n")
    node.start()
    assert "Ignoring unknown configuration value nosuchkey" in node.log()


def test_reindex_in_the_file_is_discouraged(lab):
    node = lab.node(start=False)
    node.write_conf("reindex=1\n")
    node.start()
    assert "reindex=1 is set in the configuration file" in node.log()


def test_unknown_key_in_ochre_conf_is_refused(lab):
    node = lab.node(params=OCHRE, start=False)
    node.write_conf("nosuchkey=1\n")
    assert "nosuchkey" in node.fails_to_start()


@pytest.mark.parametrize("text, message", [
    ("nono\n", "parse error on line {n}: nono, if you intended to specify a negated "
               "option, use nono=1 instead"),
    ("-dash=1\n", "parse error on line {n}: -dash=1, options in configuration file must "
                  "be specified without leading -"),
    ("server=1\nrpcuser=someuser\nrpcpassword=some#pass\n",
     "parse error on line {n2}, using # in rpcpassword can be ambiguous and should be "
     "avoided"),
    ("plainword\n", "parse error on line {n}: plainword"),
])
def test_conf_syntax_errors(idle, text, message):
    with open(idle.conf_path, encoding="utf8") as f:
        lines = len(f.read().splitlines())
    with open(idle.conf_path, "a", encoding="utf8") as f:
        f.write(text)
    want = message.format(n=lines + 1, n2=lines + 3)
    assert f"Error: Error reading configuration file: {want}" in idle.fails_to_start()


def test_includeconf(lab, params):
    node = lab.node(params=params, start=False)
    included = os.path.join(node.dir, "relative.conf")
    with open(included, "w", encoding="utf8") as f:
        f.write("uacomment=relative\n")
    node.write_conf()
    with open(node.conf_path, encoding="utf8") as f:
        body = f.read()
    with open(node.conf_path, "w", encoding="utf8") as f:
        f.write("uacomment=main\nincludeconf=relative.conf\n" + body)
    node.start()
    assert node.getnetworkinfo()["subversion"].endswith("(main; relative)/")
    node.stop()
    err = node.fails_to_start("-includeconf=relative2.conf")
    assert err == ('Error: Error parsing command line arguments: -includeconf cannot be '
                   'used from commandline; -includeconf="relative2.conf"')
    with open(included, "a", encoding="utf8") as f:
        f.write("includeconf=relative2.conf\n")
    node.start()
    assert node.getnetworkinfo()["subversion"].endswith("(main; relative)/")
    node.stop(stderr="warning: -includeconf cannot be used from included files; "
              "ignoring -includeconf=relative2.conf")
    os.remove(included)
    assert "Error: Error reading configuration file: Failed to include configuration " \
           "file relative.conf" in node.fails_to_start()


def test_sections_other_than_ours_do_not_count(lab, params):
    node = lab.node(params=params, start=False)
    node.write_conf("[main]\nuacomment=wrong\n")
    node.start()
    assert "wrong" not in node.getnetworkinfo()["subversion"]


def test_unknown_sections_are_told(lab):
    node = lab.node(params=BITCOIN, start=False)
    node.write_conf("[testnot]\ndatadir=1\n[test]\nport=1\n[testnet]\nport=1\n")
    with open(node.conf_path, encoding="utf8") as f:
        lines = f.read().splitlines()
    node.start()
    first, second = (f"{node.conf_path}:{lines.index(name) + 1} Section {name} is not "
                     "recognized." for name in ("[testnot]", "[testnet]"))
    assert first in node.log() and second in node.log()
    node.stop(stderr=f"Warning: {first}\n{second}")


def test_double_negatives_are_told(lab):
    node = lab.node("-noshrinkdebugfile=0", params=OCHRE)
    assert "Warning: parsed potentially confusing double-negative -shrinkdebugfile=0\n" in \
        node.log()


def test_command_line_beats_the_file(lab):
    node = lab.node(conf={"maxmempool": 77}, params=OCHRE, start=False)
    node.start("-maxmempool=55")
    assert node.getmempoolinfo()["maxmempool"] == 55_000_000


def test_negated_option(lab, params):
    node = lab.node("-nolisten", params=params, conf={"bind": None})
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", node.p2p_port)) != 0


# Files ------------------------------------------------------------------------

def test_data_directory_layout(lab, params):
    node = lab.node(params=params)
    names = set(os.listdir(node.chain_dir))
    assert {"blocks", "chainstate", "wallets", "debug.log", ".cookie", ".lock"} <= names
    assert {"blk00000.dat", "index"} <= set(os.listdir(node.path("blocks")))
    with open(node.path(".cookie"), "rb") as f:
        cookie = f.read()
    assert re.fullmatch(rb"__cookie__:[0-9a-f]{64}", cookie)
    assert os.stat(node.path(".cookie")).st_mode & 0o777 == 0o600
    pid = [n for n in names if n.endswith(".pid")]
    assert pid == [f"{'bitcoind' if params is BITCOIN else 'ochred'}.pid"]
    with open(node.path(pid[0]), encoding="ascii") as f:
        assert int(f.read()) == node.process.pid
    node.stop()
    left = set(os.listdir(node.chain_dir))
    assert ".cookie" not in left and pid[0] not in left


def test_a_stopped_directory_can_be_copied(lab, params):
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(5)
    tip = node.getbestblockhash()
    node.stop()
    twin = lab.node(params=params, start=False)
    shutil.copytree(node.chain_dir, twin.chain_dir)
    twin.start()
    assert twin.getbestblockhash() == tip
    twin.generatetoaddress(1, wallet.address)
    assert twin.getblockcount() == 6


def test_blocksdir(lab, params, tmp_path):
    node = lab.node(params=params, start=False)
    err = node.fails_to_start(f"-blocksdir={tmp_path}/missing")
    assert err == f'Error: Specified blocks directory "{tmp_path}/missing" does not exist.'
    node.start(f"-blocksdir={tmp_path}")
    MiniWallet(node).generate(3, sync=False)
    assert os.path.exists(tmp_path / "regtest" / "blocks" / "blk00000.dat")
    assert os.path.isdir(node.path("blocks", "index"))


def test_debug_log_elsewhere(lab, tmp_path):
    node = lab.node(f"-debuglogfile={tmp_path}/own.log")
    assert os.path.getsize(tmp_path / "own.log") > 0
    assert not os.path.exists(node.path("debug.log"))
    node.stop()
    node.args = ["-nodebuglogfile"]
    node.start()
    assert not os.path.exists(node.path("debug.log"))


def test_log_line_details(lab):
    node = lab.node("-logthreadnames", "-logsourcelocations", "-loglevel=trace")
    line = [x for x in node.log().splitlines() if "ersion" in x][0]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \[[\w.-]+\] ", line), line
    assert re.search(r"\[[\w./-]+\.[ch]:\d+\] \[\w+\] ", line), line


def test_shrinkdebugfile(lab):
    node = lab.node(start=False)
    os.makedirs(node.chain_dir)
    with open(node.path("debug.log"), "wb") as f:
        f.write(b"old line\n" * 1_400_000)
    node.args += ["-shrinkdebugfile=1"]
    node.start()
    assert node.log_size() < 11_500_000
    node.stop()


def test_sighup_reopens_the_log(lab):
    node = lab.node()
    os.rename(node.path("debug.log"), node.path("old.log"))
    node.process.send_signal(signal.SIGHUP)

    def reopened():
        node.setmocktime(0)
        return os.path.exists(node.path("debug.log"))
    wait_until(reopened)


# Two at once, ports -----------------------------------------------------------

def test_two_daemons_on_one_directory(lab, params):
    node = lab.node(params=params)
    err = node.fails_to_start(f"-rpcport={node.rpc_port + 1}", "-nolisten")
    assert err.startswith(f"Error: Cannot obtain a lock on directory {node.chain_dir}. "
                          "Ochre is probably already running.")
    assert node.getblockcount() == 0


def test_p2p_port_in_use(lab, params):
    node = lab.node(params=params, start=False)
    with socket.socket() as s:
        s.bind(("127.0.0.1", node.p2p_port))
        s.listen()
        err = node.fails_to_start()
    assert f"Unable to bind to 127.0.0.1:{node.p2p_port} on this computer." in err
    assert "probably already running" in err


def test_rpc_port_in_use(lab, params):
    node = lab.node(params=params, start=False)
    with socket.socket() as s:
        s.bind(("127.0.0.1", node.rpc_port))
        s.listen()
        err = node.fails_to_start("-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1")
    assert "Unable to start HTTP server. See debug log for details." in err


def test_rpc_warm_up_answers(lab):
    """While it starts the server is up and says so with code -28."""
    node = lab.node()
    MiniWallet(node).generate(200, sync=False)
    node.stop()
    node.spawn("-reindex")
    node.wait_rpc()
    expect_error(-32601, "Method not found", node.rpc.call, "nosuch")


# Damage -----------------------------------------------------------------------

def _damaged(lab, params):
    node = lab.node(params=params)
    MiniWallet(node).generate(20, sync=False)
    node.stop()
    return node


def _names_way_out(err, *words):
    assert err.startswith("Error: ") and all(w in err for w in words), err


def test_corrupt_block_index(lab, params):
    node = _damaged(lab, params)
    for name in os.listdir(node.path("blocks", "index")):
        if name.startswith(("MANIFEST", "CURRENT")):
            with open(node.path("blocks", "index", name), "wb") as f:
                f.write(b"\xff" * 100)
    _names_way_out(node.fails_to_start(), "Error opening block database", "-reindex")
    node.start("-reindex")
    wait_until(lambda: node.getblockcount() == 20)


def test_corrupt_chainstate(lab, params):
    node = _damaged(lab, params)
    for name in os.listdir(node.path("chainstate")):
        if name.startswith(("MANIFEST", "CURRENT")):
            with open(node.path("chainstate", name), "wb") as f:
                f.write(b"\xff" * 100)
    _names_way_out(node.fails_to_start(), "Error opening coins database",
                   "-reindex-chainstate")
    node.start("-reindex-chainstate")
    wait_until(lambda: node.getblockcount() == 20)


def test_missing_block_files(lab, params):
    node = _damaged(lab, params)
    os.rename(node.path("blocks", "blk00000.dat"), node.path("blocks", "gone"))
    _names_way_out(node.fails_to_start(), "Error loading block database", "-reindex")
    os.rename(node.path("blocks", "gone"), node.path("blocks", "blk00000.dat"))
    node.start()
    assert node.getblockcount() == 20


def test_damaged_block_on_disk(lab, params):
    node = _damaged(lab, params)
    data = node.read_block_file()
    at = data.rfind(params.magic) + 8 + 100
    node.write_block_file(data[:at] + b"\xff" * 40 + data[at + 40:])
    _names_way_out(node.fails_to_start("-checklevel=4", "-checkblocks=6"),
                   "Corrupted block database detected", "-reindex")


def test_unwritable_data_directory(lab):
    if os.geteuid() == 0:
        # root may write anywhere: use a file where the directory should be
        node = lab.node(start=False)
        with open(node.chain_dir, "w", encoding="ascii") as f:
            f.write("in the way")
        err = node.fails_to_start()
    else:
        node = lab.node(start=False)
        os.chmod(node.dir, 0o500)
        err = node.fails_to_start()
        os.chmod(node.dir, 0o700)
    assert err.startswith("Error: ")


def test_start_error_is_an_exception(lab):
    node = lab.node(start=False)
    with pytest.raises(StartError) as info:
        node.start("-fakearg")
    assert info.value.status == 1


def test_databases_are_compacted(lab, params):
    node = lab.node("-txindex", "-coinstatsindex", params=params)
    node.generatetodescriptor(5, "raw(51)")
    tip = node.getbestblockhash()
    start = node.log_size()
    node.restart("-forcecompactdb")
    log = node.log(start)
    for name in ("chainstate", "blocks/index", "indexes/txindex", "indexes/coinstats/db"):
        path = node.path(name)
        begin, end = (log.index(f"{what} database compaction of {path}")
                      for what in ("Starting", "Finished"))
        assert begin < end
    assert node.getbestblockhash() == tip and node.verifychain(4, 0) is True


def test_fee_rates_of_templates_are_printed(lab, params):
    node = lab.node("-printpriority", params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    tx = wallet.send(fee_rate=25_000)
    entry = node.getmempoolentry(tx.txid)
    start = node.log_size()
    wallet.generate(1)
    rate = params.amount(params.units(entry["fees"]["modified"]) * 1000 // entry["vsize"])
    node.wait_log(f"fee rate {rate} {params.unit}/kvB txid {tx.txid}", start)
