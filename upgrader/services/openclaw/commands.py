"""Command lines of OpenClaw, built from values."""

from pathlib import Path

from upgrader.domain.facts import NodeRuntime

ENTRY = "openclaw.mjs"  # bin of package.json in every release from 2026.2.17 to 2026.9.6


def gateway_argv(node: NodeRuntime, package: Path, port: int | None) -> tuple[str, ...]:
    """Start a gateway in the foreground from `package` (the pointer or a slot's root); a port only where config has another."""
    argv = (str(node.path), str(package / ENTRY), "gateway", "run")
    return argv if port is None else (*argv, "--port", str(port))
