"""Command lines of OpenClaw and the environment they get, built from values."""

from collections.abc import Mapping
from pathlib import Path

from upgrader.domain.installation.facts import Installation, NodeRuntime

ENTRY = "openclaw.mjs"  # bin of package.json in every release from 2026.2.17 to 2026.9.6


def gateway_argv(node: NodeRuntime, package: Path, port: int | None) -> tuple[str, ...]:
    """Start a gateway in the foreground from `package` (the pointer or a slot's root); a port only where config has another."""
    argv = (str(node.path), str(package / ENTRY), "gateway", "run")
    return argv if port is None else (*argv, "--port", str(port))


def openclaw_argv(installation: Installation, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """One command of the installed release."""
    return (str(installation.node.path), str(installation.package.pointer / ENTRY), *arguments)


def openclaw_environment(base: Mapping[str, str], installation: Installation) -> dict[str, str]:
    """The caller's environment, pointed at this installation: home, state, config and Node; no stray gateway variables."""
    kept = {name: value for name, value in base.items() if not name.startswith(("OPENCLAW_", "CLAWDBOT_"))}
    kept["HOME"] = str(installation.home)
    kept["PATH"] = f"{installation.node.path.parent}:{base.get('PATH') or '/usr/local/bin:/usr/bin:/bin'}"
    if installation.profile:
        kept["OPENCLAW_PROFILE"] = installation.profile
    if installation.state.path != installation.home / ".openclaw":
        kept["OPENCLAW_STATE_DIR"] = str(installation.state.path)
    if installation.state.config.parent != installation.state.path:
        kept["OPENCLAW_CONFIG_PATH"] = str(installation.state.config)
    return kept
