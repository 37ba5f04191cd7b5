"""What is found, and how what is not there or not clear is told."""

import json

import pytest

from tests.discovery.machine import Machine, lock_of
from upgrader.domain.installation.discovery import Ambiguous, NotFound
from upgrader.domain.installation.facts import InstallKind, SupervisorKind
from upgrader.domain.installation.identity import refuse_obstacles
from upgrader.errors import Blocked, UpgraderError


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
