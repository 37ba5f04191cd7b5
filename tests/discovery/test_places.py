"""Which state, which port, which service: by profile, environment, configuration, and what runs."""

import os
import sqlite3
from pathlib import Path

import pytest

from tests.discovery.machine import Machine, lock_of
from tests.world.world import free_port
from upgrader.domain.installation.discovery import Ambiguous, NotFound
from upgrader.domain.installation.facts import PairingEra, SupervisorKind
from upgrader.errors import UsageError


def test_a_profile_selects_its_own_state_and_service(machine: Machine) -> None:
    machine.install()
    state = machine.make_state(name=".openclaw-work")
    found = machine.find(profile="work")
    assert (found.state.path, found.profile) == (state, "work")


def test_a_profile_that_cannot_be_one_is_a_usage_error(machine: Machine) -> None:
    with pytest.raises(UsageError) as caught:
        machine.find(profile="../etc")
    assert (caught.value.code, caught.value.exit_code) == ("bad_profile", 2)


def test_a_linked_state_is_known_by_its_real_path(machine: Machine) -> None:
    machine.install()
    real = machine.root / "disk" / "state"
    machine.make_state().rename(machine.root / "moved")
    real.parent.mkdir()
    (machine.root / "moved").rename(real)
    machine.state.symlink_to(real)
    found = machine.find()
    assert (found.state.path, found.state.config) == (real, real / "openclaw.json")


def test_an_old_state_directory_counts_for_an_old_release(machine: Machine) -> None:
    machine.install("2026.2.17")
    state = machine.make_state(name=".moltbot")
    (state / "openclaw.json").rename(state / "moltbot.json")
    found = machine.find()
    assert (found.state.path, found.state.config) == (state, state / "moltbot.json")


def test_a_new_release_does_not_look_at_the_oldest_names(machine: Machine) -> None:
    machine.install("2026.9.6")
    machine.make_state(name=".moltbot")
    with pytest.raises(NotFound) as caught:
        machine.find()
    assert caught.value.code == "no_state"


def test_the_state_is_described(machine: Machine) -> None:
    machine.install()
    outside = machine.root / "books"
    outside.mkdir()
    state = machine.make_state(
        f'{{agents: {{entries: {{main: {{}}, beta: {{workspace: "{outside}"}}}}}}, meta: {{lastTouchedVersion: "2026.9.5"}}}}'
    )
    for folder in ("workspace", "state", "agents/main/agent"):
        (state / folder).mkdir(parents=True)
    _database(state / "state" / "openclaw.sqlite", 17)
    _database(state / "agents" / "main" / "agent" / "openclaw-agent.sqlite", 21)
    found = machine.find().state
    assert (found.state_schema, found.era) == (17, PairingEra.SQLITE)
    assert found.agent_schemas == ((Path("agents/main/agent/openclaw-agent.sqlite"), 21),)
    assert found.workspaces == (state / "workspace", outside)
    assert found.external == (outside,)
    assert (found.owner_uid, str(found.last_touched)) == (os.geteuid(), "2026.9.5")
    assert found.files == 3
    assert found.size_bytes == sum(each.stat().st_size for each in state.rglob("*") if each.is_file())


def test_a_state_of_before_the_databases_has_its_pairing_in_files(machine: Machine) -> None:
    machine.install("2026.2.17")
    machine.make_state()
    found = machine.find().state
    assert (found.era, found.state_schema, found.agent_schemas) == (PairingEra.FILES, None, ())


def test_databases_of_the_seventh_series_do_not_hold_the_pairing_yet(machine: Machine) -> None:
    machine.install("2026.7.1")
    state = machine.make_state()
    (state / "state").mkdir()
    _database(state / "state" / "openclaw.sqlite", 1)
    assert machine.find().state.era is PairingEra.FILES


def test_a_schema_that_is_only_in_the_write_ahead_log_is_seen_and_no_side_file_changes(machine: Machine) -> None:
    machine.install()
    state = machine.make_state()
    (state / "state").mkdir()
    database = state / "state" / "openclaw.sqlite"
    _database(database, 17)
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA user_version=18")
        connection.execute("BEGIN")
        connection.execute("PRAGMA user_version=99")
        before = {each: each.read_bytes() for each in database.parent.iterdir() if not each.name.endswith("-shm")}
        assert database.read_bytes()[60:64] == (17).to_bytes(4, "big")
        assert machine.find().state.state_schema == 18
        assert {each: each.read_bytes() for each in before} == before
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def test_the_port_of_the_running_gateway_wins_over_the_configuration(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    port = free_port()
    words = ("--lock", str(lock_of(state)), "--state", str(state), "--port", str(port))
    with machine.gateway(package, *words):
        assert machine.find().port == port


def test_the_environment_wins_over_the_configured_port_when_nothing_runs(machine: Machine) -> None:
    machine.install()
    machine.make_state()
    machine.environment["OPENCLAW_GATEWAY_PORT"] = "20001"
    assert machine.find().port == 20001


def test_a_named_profile_derives_its_port_where_the_release_does(machine: Machine) -> None:
    machine.install("2026.9.6")
    machine.make_state("{}", name=".openclaw-work")
    assert machine.find(profile="work").port == 41984  # what resolveGatewayPort of 2026.9.6 computes


def test_the_service_is_found_with_its_drop_ins_and_decides_package_node_and_port(machine: Machine) -> None:
    named = machine.install("2026.9.5", "one")
    machine.install("2026.9.6", "two")
    machine.make_state()
    unit = _unit(machine, named, 'Environment=OPENCLAW_GATEWAY_PORT=20100 "OPENCLAW_GATEWAY_TOKEN=t0p-s3cret"')
    folder = unit.with_name(unit.name + ".d")
    folder.mkdir()
    (folder / "override.conf").write_text("[Service]\nEnvironment=OPENCLAW_GATEWAY_PORT=20200\n")
    found = machine.find()
    assert str(found.package.version) == "2026.9.5"
    assert (found.service.kind, found.service.unit_path) == (SupervisorKind.SYSTEMD_USER, unit)
    assert found.service.drop_ins == (folder / "override.conf",)
    assert (found.node.path, found.port) == (machine.root / "node" / "bin" / "node", 20200)
    assert "s3cret" not in repr(found)


def test_a_service_on_another_state_than_the_shell_is_not_guessed_about(machine: Machine) -> None:
    package = machine.install()
    machine.make_state()
    other = machine.make_state(name="other")
    _unit(machine, package, f"Environment=OPENCLAW_STATE_DIR={other}")
    with pytest.raises(Ambiguous) as caught:
        machine.find()
    assert caught.value.code == "service_elsewhere"
    assert f"--state-dir {other}" in caught.value.hint
    assert machine.find(state_dir=str(other)).service.kind is SupervisorKind.SYSTEMD_USER
    assert machine.find(state_dir=str(machine.state)).service.kind is SupervisorKind.PROCESS


def test_a_locale_of_another_language_changes_nothing(machine: Machine) -> None:
    machine.install()
    machine.make_state('{agents: {list: [{id: "größe"}]}}')
    machine.environment |= {"LANG": "de_DE.UTF-8", "LC_ALL": "tr_TR.UTF-8"}
    assert machine.find().agents == ("größe",)


def test_a_home_with_spaces_and_newlines_is_an_ordinary_home(tmp_path: Path) -> None:
    (tmp_path / "a b\nc").mkdir()
    machine = Machine(tmp_path / "a b\nc")
    machine.install()
    machine.make_state()
    assert machine.find().state.path == machine.state


def _unit(machine: Machine, package: Path, *lines: str) -> Path:
    folder = machine.home / ".config" / "systemd" / "user"
    folder.mkdir(parents=True)
    node = machine.root / "node" / "bin" / "node"
    command = (
        f"ExecStart={node} {package / 'dist' / 'index.js'} gateway --port 20100"
        if not lines[0].startswith("Environment=OPENCLAW_GATEWAY_PORT")
        else f"ExecStart={node} {package / 'dist' / 'index.js'} gateway"
    )
    unit = folder / "openclaw-gateway.service"
    unit.write_text("\n".join(("[Service]", command, *lines, "")))
    return unit


def _database(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={version}")
    connection.execute("CREATE TABLE t(x)")
    connection.commit()
    connection.close()
