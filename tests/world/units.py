"""Units of the user's service manager, in the form that `openclaw gateway install` writes."""

from pathlib import Path

from tests.world.world import World


def service_unit(world: World, name: str = "openclaw-gateway.service", more: str = "", package: Path | None = None) -> Path:
    """A unit that starts this world's gateway, `more` among its settings; where it was written."""
    path = world.home / ".config" / "systemd" / "user" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    start = f"ExecStart={world.node.node} {package or world.package}/openclaw.mjs gateway --port {world.port}"
    path.write_text(f"[Unit]\nDescription=OpenClaw Gateway\n[Service]\n{start}\nEnvironment=HOME={world.home}\n{more}\n")
    return path
