"""Named arguments, alone and mixed with positional ones."""
from framework import fixtures
from framework.rpc import expect_error


node = fixtures.node_of_each()


def test_named_arguments_reach_the_method(node):
    assert node.help(command="getblockchaininfo").startswith("getblockchaininfo\n")
    best = node.getblockhash(height=0)
    assert node.getblock(blockhash=best)["hash"] == best


def test_unknown_name(node):
    expect_error(-8, "Unknown named parameter random", node.help, random="x")


def test_gaps_become_null(node):
    assert node.echo() == []
    assert node.echo(arg0=0, arg9=9) == [0] + [None] * 8 + [9]
    assert node.echo(arg1=1) == [None, 1]
    assert node.echo(arg9=None) == [None] * 10
    assert node.echo(arg0=0, arg3=3, arg9=9) == \
        [0] + [None] * 2 + [3] + [None] * 5 + [9]
    assert node.echo(0, 1, arg3=3, arg5=5) == [0, 1, None, 3, None, 5]


def test_a_parameter_given_twice(node):
    text = "Parameter arg1 specified twice both as positional and named argument"
    expect_error(-8, text, node.echo, 0, 1, arg1=1)
    expect_error(-8, text, node.echo, 0, None, 2, arg1=1)


def test_args_must_be_an_array(node):
    err = node.batch([("echo", {"args": 1})])[0]["error"]
    assert err["code"] in (-8, -32602, -1, -3)
