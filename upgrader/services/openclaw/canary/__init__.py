"""A release on a clone: what of the state is changed before it runs there, how it is run, what a migration must not
lose.
"""
