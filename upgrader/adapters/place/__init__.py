"""The sealed place of a canary: namespaces, the hand inside that runs what it is told, the wire to it, what is seen of every
attempt to reach outside, and places a person keeps open.
"""
