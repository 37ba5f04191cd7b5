"""Directories of the system itself, below `/`: no state lies in them, and no program runs without them."""

SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc")
