"""Functional test framework: drives whole daemons and speaks their protocols.

Nothing here shares code with the node: serialisation, hashing, signing, block
building and the ticket state are written a second time, so that a mistake on
one side shows up as a disagreement.
"""
