"""One move on disk: its lock, its journal and the marks that lead to it, the package pointer, what is held while the gateway is
stopped, and the commands that run on the live state.
"""
