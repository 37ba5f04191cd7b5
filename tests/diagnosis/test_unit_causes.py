"""What the service manager says of the gateway's unit, by a stand-in for `systemctl` that answers as systemd 252 does."""

from pathlib import Path

import pytest

from tests.diagnosis.told import causes
from tests.world.fixtures import WorldOf
from tests.world.units import service_unit
from tests.world.world import World

HEALTHY = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "ExecMainStatus": "0",
    "NRestarts": "0",
    "NeedDaemonReload": "no",
    "UnitFileState": "enabled",
}
DOWN = {"ActiveState": "failed", "SubState": "failed"}
SAID = [
    (
        {"LoadState": "masked", "ActiveState": "inactive", "UnitFileState": "masked"},
        "unit-masked",
        "unmask",
    ),
    ({**DOWN, "Result": "start-limit-hit", "ExecMainStatus": "1"}, "unit-start-limit", "reset-failed"),
    ({**DOWN, "Result": "exit-code", "ExecMainStatus": "1", "NRestarts": "9"}, "unit-start-limit", "reset-failed"),
    ({**DOWN, "Result": "exit-code", "ExecMainStatus": "78", "NRestarts": "2"}, "unit-failed", "mend it, then"),
    ({**DOWN, "Result": "exit-code", "ExecMainStatus": "1"}, "unit-failed", "restart openclaw-gateway.service"),
    ({**DOWN, "Result": "exit-code", "ExecMainStatus": "78"}, "unit-failed", "mend it, then"),
    ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "4"}, "unit-restarting", "journalctl"),
    ({"NeedDaemonReload": "yes"}, "unit-not-reloaded", "daemon-reload"),
    ({"UnitFileState": "disabled"}, "unit-disabled", "enable openclaw-gateway.service"),
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-in reads what it says."""
    return tmp_path_factory.mktemp("systemctl") / "said"


def answering(world: World, kept: Path, said: dict[str, str]) -> None:
    """A `systemctl` on this world's PATH; without words it has no bus."""
    kept.write_text("".join(f"{name}={value}\n" for name, value in said.items()))
    program = world.prefix / "bin" / "systemctl"
    if not said:
        program.write_text("#!/bin/sh\necho 'Failed to connect to bus: No such file or directory' >&2\nexit 1\n")
    else:
        program.write_text(f"#!/bin/sh\ncat {kept}\n")
    program.chmod(0o755)


def test_what_the_service_manager_says_of_the_unit_is_the_first_cause_with_its_remedy(world_of: WorldOf, kept: Path) -> None:
    world = world_of()
    unit = service_unit(world)
    for said, code, remedy in SAID:
        answering(world, kept, {**HEALTHY, **said})
        first = causes(world)[0]
        assert (first["code"], first["place"], remedy in first["remedy"]) == (code, str(unit), True), (said, first)
    answering(world, kept, {})
    (silent,) = causes(world)
    assert (silent["code"], "Failed to connect to bus" in silent["evidence"][0]) == ("no-gateway", True)
    assert silent["remedy"].startswith("`loginctl enable-linger")


def test_a_drop_in_that_starts_something_else_is_named_with_the_file_to_correct(world_of: WorldOf, kept: Path) -> None:
    world = world_of()
    unit = service_unit(world)
    answering(world, kept, HEALTHY)
    drop_in = unit.with_name(unit.name + ".d") / "50-mine.conf"
    drop_in.parent.mkdir()
    command = f"{world.package}/openclaw.mjs gateway --port {world.port}"
    drop_in.write_text(f"[Service]\nExecStart=\nExecStart={world.node.node} {command}\n")
    assert (causes(world)[0]["code"], causes(world)[0]["place"]) == ("drop-in-starts", str(drop_in))
    drop_in.write_text(f"[Service]\nExecStart=\nExecStart=/opt/gone/node {command}\n")
    first = causes(world)[0]
    assert (first["code"], first["place"]) == ("service-node-gone", str(drop_in))
    assert f"remove ExecStart in {drop_in}" in first["remedy"]
