"""What is found, and how what is not there or not clear is told."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.discovery.machine import Machine, lock_of
from tests.world.world import free_port
from upgrader.domain.installation.discovery import Ambiguous, NotFound
from upgrader.domain.installation.facts import InstallKind, PairingEra, SupervisorKind
from upgrader.domain.installation.identity import refuse_obstacles
from upgrader.errors import Blocked, UpgraderError, UsageError


def test_a_global_install_with_the_default_state_is_found(machine: Machine) -> None:
    package, state = machine.install(), machine.make_state()
    found = machine.find()
    assert (found.package.pointer, found.package.root, str(found.package.version)) == (package, package, "2026.9.5")
    assert (found.package.kind, found.package.prefix) == (InstallKind.NPM_GLOBAL, machine.root / "prefix")
    assert (found.state.path, found.state.config) == (state, state / "openclaw.json")
    assert (found.node.version, found.port, found.auth.mode) == ("24.19.0", 18790, "token")
    assert found.auth.token.reveal() == "t0p-s3cret"
    assert found.service.kind is SupervisorKind.PROCESS
    assert (found.gateways, found.obstacles, found.is_running) == ((), (), False)


def test_no_secret_is_in_the_text_of_what_was_found(machine: Machine) -> None:
    machine.install()
    machine.make_state(
        '{gateway: {auth: {token: "t0p-s3cret"}}, tools: {web: {search: {apiKey: "k3y-s3cret"}}, deny: ["exec"]}}'
    )
    found = machine.find()
    assert "s3cret" not in repr(found)
    assert json.loads(found.tool_policy)["deny"] == ["exec"]


def test_nothing_installed_says_where_it_looked_and_how_to_begin(machine: Machine) -> None:
    with pytest.raises(NotFound) as caught:
        machine.find()
    assert (caught.value.code, caught.value.exit_code) == ("not_found", 1)
    assert "`upgrader demo`" in caught.value.hint
    assert str(machine.state) in caught.value.why


def test_a_package_that_was_never_started_has_no_state(machine: Machine) -> None:
    machine.install()
    with pytest.raises(NotFound) as caught:
        machine.find()
    assert caught.value.code == "no_state"
    assert "--state-dir" in caught.value.hint


def test_a_state_without_a_package_asks_for_the_prefix(machine: Machine) -> None:
    machine.make_state()
    with pytest.raises(NotFound) as caught:
        machine.find()
    assert caught.value.code == "no_package"
    assert "--prefix" in caught.value.hint


def test_a_prefix_that_is_no_directory_is_named(machine: Machine) -> None:
    machine.make_state()
    with pytest.raises(NotFound) as caught:
        machine.find(prefix=str(machine.root / "nowhere"))
    assert caught.value.code == "no_prefix"


def test_a_machine_without_node_is_told_so(machine: Machine) -> None:
    machine.install()
    machine.make_state()
    machine.environment["PATH"] = f"{machine.root}/prefix/bin"
    with pytest.raises(NotFound) as caught:
        machine.find()
    assert caught.value.code == "no_node"


def test_a_node_that_does_not_run_is_not_believed(machine: Machine) -> None:
    machine.install()
    machine.make_state()
    (machine.root / "node" / "bin" / "node").write_text("#!/bin/sh\nexit 1\n")
    machine.environment["PATH"] = f"{machine.root}/prefix/bin:{machine.root}/node/bin"
    with pytest.raises(NotFound) as caught:
        machine.find()
    assert caught.value.code == "no_node"


def test_two_installs_of_which_none_runs_are_listed_with_the_option_that_selects(machine: Machine) -> None:
    machine.install("2026.9.5", "one")
    machine.install("2026.9.6", "two")
    machine.make_state()
    with pytest.raises(Ambiguous) as caught:
        machine.find()
    assert f"--prefix {machine.root / 'one'}" in caught.value.why
    assert f"2026.9.6 in {machine.root / 'two'}" in caught.value.why


def test_a_prefix_option_selects_one_of_several(machine: Machine) -> None:
    machine.install("2026.9.5", "one")
    machine.install("2026.9.6", "two")
    machine.make_state()
    assert str(machine.find(prefix=str(machine.root / "two")).package.version) == "2026.9.6"


def test_the_tree_that_runs_wins_over_one_on_path(machine: Machine) -> None:
    old = machine.install("2026.9.5", "one")
    machine.install("2026.9.6", "two")
    state = machine.make_state()
    with machine.gateway(old, "--lock", str(lock_of(state)), "--state", str(state)) as identity:
        found = machine.find()
    assert str(found.package.version) == "2026.9.5"
    assert [each.identity.pid for each in found.gateways] == [identity.pid]
    assert str(found.gateways[0].version) == "2026.9.5"


def test_a_package_replaced_under_a_running_gateway_leaves_its_version_unknown(machine: Machine) -> None:
    package = machine.install("2026.9.5")
    written = (package / "package.json").stat().st_ctime
    installs = machine.discover().installs
    assert installs.version_since(package, written - 60) is None
    assert str(installs.version_since(package, written + 60)) == "2026.9.5"
    assert installs.version_since(package.parent, written) is None


def test_a_link_to_a_slot_is_told_from_a_directory_of_npm(machine: Machine) -> None:
    machine.slots = machine.root / "data" / "slots"
    root = machine.package_at(machine.slots / "a" / "node_modules" / "openclaw", "2026.9.6")
    modules = machine.root / "prefix" / "lib" / "node_modules"
    modules.mkdir(parents=True)
    (modules / "openclaw").symlink_to(root)
    (machine.root / "prefix" / "bin").mkdir()
    (machine.root / "prefix" / "bin" / "openclaw").symlink_to("../lib/node_modules/openclaw/openclaw.mjs")
    machine.environment["PATH"] = f"{machine.root}/prefix/bin:{machine.environment['PATH']}"
    machine.make_state()
    found = machine.find().package
    assert (found.kind, found.pointer, found.root) == (InstallKind.SLOT, modules / "openclaw", root)


def test_a_gateway_started_from_the_slot_itself_is_named_by_the_link_that_leads_there(machine: Machine) -> None:
    machine.slots = machine.root / "data" / "slots"
    root = machine.package_at(machine.slots / "a" / "node_modules" / "openclaw", "2026.9.6")
    modules = machine.root / "home" / ".npm-global" / "lib" / "node_modules"
    modules.mkdir(parents=True)
    (modules / "openclaw").symlink_to(root)
    state = machine.make_state()
    with machine.gateway(root, "--lock", str(lock_of(state)), "--state", str(state)):
        found = machine.find().package
    assert (found.pointer, found.root, found.kind) == (modules / "openclaw", root, InstallKind.SLOT)


def test_what_npm_put_in_the_place_of_the_link_is_the_package_though_the_slot_runs_still(machine: Machine) -> None:
    machine.slots = machine.root / "data" / "slots"
    slot = machine.package_at(machine.slots / "a" / "node_modules" / "openclaw", "2026.9.6")
    package = machine.install("2026.9.7")
    state = machine.make_state()
    with machine.gateway(slot, "--lock", str(lock_of(state)), "--state", str(state)):
        found = machine.find()
    assert (found.package.root, str(found.package.version)) == (package, "2026.9.7")
    assert [each.package_root for each in found.gateways] == [slot]


def test_npms_configured_prefix_is_looked_at(machine: Machine) -> None:
    machine.install(prefix="elsewhere", on_path="no")
    (machine.home / ".npmrc").write_text("; mine\nprefix = ${HOME}/../elsewhere\n")
    machine.make_state()
    assert str(machine.find().package.version) == "2026.9.5"


@pytest.mark.parametrize(
    "place",
    [
        ".nvm/versions/node/v24.19.0",
        ".local/share/fnm/node-versions/v24.19.0/installation",
        ".local/share/mise/installs/node/24.19.0",
        ".volta/tools/image/packages/openclaw",
        ".npm-global",
    ],
)
def test_the_prefixes_of_version_managers_are_looked_at(machine: Machine, place: str) -> None:
    machine.install(prefix=f"home/{place}", on_path="no")
    machine.make_state()
    found = machine.find()
    assert found.package.kind is InstallKind.NPM_GLOBAL
    assert found.package.prefix == machine.home / place


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("home/.bun/install/global/node_modules/openclaw", InstallKind.BUN),
        ("home/.local/share/pnpm/global/5/node_modules/openclaw", InstallKind.PNPM),
        ("home/.openclaw/lib/node_modules/openclaw", InstallKind.IN_STATE),
    ],
)
def test_other_ways_to_install_are_recognised_and_not_moved(machine: Machine, place: str, kind: InstallKind) -> None:
    machine.make_state()
    machine.package_at(machine.root / place, "2026.9.5")
    found = machine.find()
    assert found.package.kind is kind
    with pytest.raises(Blocked) as caught:
        refuse_obstacles(found.obstacles)
    assert caught.value.code.startswith("install_kind_")
    assert "npm install -g openclaw@2026.9.5" in caught.value.hint


def test_a_git_checkout_is_recognised_and_not_moved(machine: Machine) -> None:
    checkout = machine.package_at(machine.root / "src" / "openclaw", "2026.9.5")
    (checkout / ".git").mkdir()
    modules = machine.root / "prefix" / "lib" / "node_modules"
    modules.mkdir(parents=True)
    (modules / "openclaw").symlink_to(checkout)
    machine.make_state()
    found = machine.find(prefix=str(machine.root / "prefix"))
    assert found.package.kind is InstallKind.GIT
    assert found.obstacles[0].code == "install_kind_git"


def test_a_nix_install_is_recognised_and_not_moved(machine: Machine) -> None:
    machine.install()
    machine.make_state()
    machine.environment["OPENCLAW_NIX_MODE"] = "1"
    assert machine.find().obstacles[0].code == "install_kind_nix"


def test_a_dependency_of_a_project_is_recognised_and_not_moved(machine: Machine) -> None:
    machine.package_at(machine.root / "project" / "node_modules" / "openclaw", "2026.9.5")
    machine.make_state()
    assert machine.find(prefix=str(machine.root / "project")).package.kind is InstallKind.PROJECT


def test_a_damaged_package_json_is_named_when_it_was_asked_for(machine: Machine) -> None:
    package = machine.install()
    (package / "package.json").write_text("{")
    machine.make_state()
    with pytest.raises(UpgraderError) as caught:
        machine.find(prefix=str(machine.root / "prefix"))
    assert caught.value.code == "package_unreadable"


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
