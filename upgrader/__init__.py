"""Upgrade guard and version pinning for OpenClaw."""

__version__ = "0.1.0"
