"""The decision on a move: facts in, policy, decision out; candidates and the way by stops."""
