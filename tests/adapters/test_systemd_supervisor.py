"""The systemd supervisor against a recording `systemctl`: which words it is called with, and what is believed.

The service manager itself is tried in the lab (scripts/lab/test).
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.world.installations import installation_on, installed_at, state_at
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.adapters.supervisors import unit_fence, unit_recovery
from upgrader.adapters.supervisors.systemctl import seconds_of, session_environment
from upgrader.adapters.supervisors.systemd import SystemdUserSupervisor
from upgrader.adapters.supervisors.unit_processes import belongs
from upgrader.adapters.supervisors.unit_recovery import RecoveryCommand
from upgrader.domain.installation.facts import (
    GatewayProcess,
    Installation,
    NodeRuntime,
    ProcessIdentity,
    Service,
    SupervisorKind,
)
from upgrader.domain.installation.supervision import FenceFailed, NotManaged
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.process import InstallFailed, StartFailed, StopFailed
from upgrader.domain.version import Version
from upgrader.services.openclaw.service import units

NAME = "openclaw-gateway.service"
RECOVERY = RecoveryCommand(("/opt/my venv/python", "-m", "upgrader", "100%", "a$b", 'say "hi"'), {"HOME": "/home/me"})
SYSTEMCTL = """#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> calls
case "$*" in *" show "*) cat status ;; *) [ ! -e fails ] || { echo "Failed to connect to bus" >&2; exit 1; } ;; esac
"""
RELEASE = """#!/bin/sh
cat answer
[ -e written ] && cp written "$HOME/.config/systemd/user/openclaw-gateway.service"
exit $(cat code)
"""


class NoProcesses:
    """Port Processes: an empty table."""

    def gateways_on(self, state: Path) -> tuple[GatewayProcess, ...]:  # noqa: ARG002 - the port's signature
        return ()

    def end(self, identity: ProcessIdentity, limit: timedelta) -> None:  # noqa: ARG002 - the port's signature
        raise AssertionError(f"nothing was to be ended, not {identity}")


@dataclass
class World:
    """A home with a unit, a recording systemctl, and the supervisor over both."""

    home: Path
    unit: Path
    supervisor: SystemdUserSupervisor
    installation: Installation

    def status(self, **properties: object) -> None:
        said = {"LoadState": "loaded", "ActiveState": "inactive", "MainPID": 0, "NRestarts": 0, "FragmentPath": self.unit}
        said |= {"TimeoutStopUSec": "1s", "RestartUSec": "100ms", "DropInPaths": ""} | properties
        text = "".join(f"{name}={value}\n" for name, value in said.items())
        (self.home / "bin" / "status").write_text(text)

    @property
    def calls(self) -> list[str]:
        calls = (self.home / "bin" / "calls").read_text().splitlines()
        return [line.removeprefix("--user --no-pager --no-ask-password ").partition(" --property")[0] for line in calls]

    @property
    def journal(self) -> Path:
        folder = self.home / "transaction"
        folder.mkdir(exist_ok=True)
        return folder / "journal.log"

    def slot(self, written: str = "", *, answer: str = '{"ok": true, "result": "installed"}', code: int = 0) -> Slot:
        """A slot whose Node prints `answer`, writes `written` as the unit, and ends with `code`."""
        root = self.home / "slot" / "node_modules" / "openclaw"
        root.mkdir(parents=True)
        node = self.home / "slot" / "node"
        node.write_text(RELEASE)
        node.chmod(0o755)
        (self.home / "answer").write_text(answer)
        (self.home / "code").write_text(str(code))
        if written:
            (self.home / "written").write_text(written.replace("ROOT", str(root)))
        return Slot("a", Version("2026.12.1"), SlotOrigin.STAGED, root, NodeRuntime(node, "24.19.0"), "")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    root = tmp_path / "npm" / "lib" / "node_modules" / "openclaw"
    root.mkdir(parents=True)
    unit = units.unit_path(tmp_path, "")
    unit.parent.mkdir(parents=True)
    command = f"/usr/bin/env {root}/dist/index.js gateway --port 21401"
    unit.write_text(f"[Service]\nExecStart={command}\nEnvironment=HOME={tmp_path}\n")
    (tmp_path / "bin").mkdir()
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    session = session_environment(os.getuid(), tmp_path, {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})
    supervisor = SystemdUserSupervisor(
        ProcessRunner({}), SystemClock(), NoProcesses(), units, session, os.getuid(), "openclaw.mjs", RECOVERY
    )
    installation = installation_on(
        tmp_path / ".openclaw",
        package=installed_at(root, prefix=tmp_path / "npm"),
        node=NodeRuntime(Path("/usr/bin/env"), "24.19.0"),
        state=state_at(tmp_path / ".openclaw", os.getuid()),
        port=21401,
        service=Service(SupervisorKind.SYSTEMD_USER, NAME, unit),
    )
    world = World(tmp_path, unit, supervisor, installation)
    world.status()
    yield world


def fenced(world: World) -> None:
    world.status(DropInPaths=unit_fence.fence_path(world.unit))
    world.supervisor.raise_fence(world.installation, world.journal)


def test_the_fence_names_a_marker_beside_the_journal_and_is_read_by_systemd(world: World) -> None:
    fenced(world)
    drop_in = unit_fence.fence_path(world.unit)
    marker = world.journal.with_name("fence")
    assert f"ConditionPathExists=!{marker}\n" in drop_in.read_text()
    assert marker.exists() and drop_in.stat().st_mode & 0o777 == 0o600 and drop_in.parent.stat().st_mode & 0o777 == 0o700
    assert world.calls == ["daemon-reload", f"show {NAME}"]


def test_a_fence_that_systemd_does_not_read_is_none(world: World) -> None:
    with pytest.raises(FenceFailed, match="does not read"):
        world.supervisor.raise_fence(world.installation, world.journal)


def test_lowering_takes_everything_of_ours_away_and_can_be_repeated(world: World) -> None:
    fenced(world)
    world.supervisor.lower_fence(world.installation)
    world.supervisor.lower_fence(world.installation)
    assert not unit_fence.fence_path(world.unit).parent.exists()
    assert not world.journal.with_name("fence").exists()


def test_behind_the_fence_a_unit_waits_that_ends_the_move_at_the_next_start_of_the_machine(world: World) -> None:
    fenced(world)
    unit = unit_recovery.path_of(world.unit)
    text = unit.read_text()
    assert f"ConditionPathExists={world.journal.with_name('fence')}\n" in text
    assert 'ExecStart="/opt/my venv/python" "-m" "upgrader" "100%%" "a$$b" "say \\"hi\\""\n' in text
    assert 'Environment="HOME=/home/me"\n' in text
    wanted = unit.parent / "default.target.wants" / unit.name
    assert wanted.resolve() == unit
    fenced(world)  # raised again by a recovery
    world.supervisor.lower_fence(world.installation)
    assert not unit.exists() and not wanted.is_symlink()


def test_lowering_leaves_the_drop_ins_of_the_user(world: World) -> None:
    mine = unit_fence.fence_path(world.unit).with_name("50-mine.conf")
    fenced(world)
    mine.write_text("[Service]\nEnvironment=A=1\n")
    world.supervisor.lower_fence(world.installation)
    assert [path.name for path in mine.parent.iterdir()] == [mine.name]


@pytest.mark.parametrize("name", ["plain", "with space", "per%cent", "sch\u00f6n"])
def test_the_marker_is_read_back_from_the_fence(name: str) -> None:
    assert unit_fence.marker_of(unit_fence.fence_text(Path("/data") / name)) == Path("/data") / name


def test_a_marker_no_unit_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="unit file"):
        unit_fence.fence_text(Path("/data/two\nlines"))


def test_the_files_of_the_service_are_the_unit_its_copy_and_foreign_drop_ins(world: World) -> None:
    fenced(world)
    mine = unit_fence.fence_path(world.unit).with_name("50-mine.conf")
    mine.write_text("[Service]\n")
    assert world.supervisor.outside_files(world.installation) == (world.unit, world.unit.with_name(NAME + ".bak"), mine)


def test_a_stop_that_systemd_confirms_is_believed(world: World) -> None:
    world.supervisor.stop(world.installation, timedelta(seconds=5))
    assert world.calls == [f"show {NAME}", f"stop {NAME}", f"show {NAME}"]


def test_a_unit_that_is_still_up_after_its_stop_fails(world: World) -> None:
    world.status(ActiveState="deactivating", SubState="stop-sigterm", MainPID=4242)
    with pytest.raises(StopFailed, match=NAME) as failed:
        world.supervisor.stop(world.installation, timedelta(seconds=5))
    assert "deactivating (stop-sigterm), main process 4242" in failed.value.why


def test_a_service_manager_that_does_not_answer_is_named_with_its_words(world: World) -> None:
    (world.home / "bin" / "fails").touch()
    with pytest.raises(NotManaged, match="daemon-reload") as failed:
        world.supervisor.reload(world.installation)
    assert failed.value.why == "Failed to connect to bus"


def test_an_install_without_a_fence_is_refused_before_anything_runs(world: World) -> None:
    with pytest.raises(InstallFailed, match="would start the gateway"):
        world.supervisor.install(world.installation, world.slot())
    assert not (world.home / "bin" / "calls").exists()


def test_an_installed_unit_names_the_slots_own_node_and_package(world: World) -> None:
    fenced(world)
    slot = world.slot("[Service]\nExecStart=/another/node --max-old-space-size=8192 ROOT/dist/index.js gateway --port 21401\n")
    world.supervisor.install(world.installation, slot)
    wanted = f"ExecStart={slot.node.path} --max-old-space-size=8192 {slot.package_root}/dist/index.js gateway --port 21401"
    assert wanted in world.unit.read_text()
    assert world.calls[-1] == "daemon-reload"


def test_between_releases_that_write_the_same_unit_no_command_of_theirs_runs(world: World) -> None:
    fenced(world)
    slot = replace(world.slot(answer="must not run", code=1), version=Version("2026.9.6"))
    (slot.package_root / "dist").mkdir()
    (slot.package_root / "dist" / "index.js").touch()
    before = world.unit.read_text()
    world.supervisor.install(world.installation, slot)
    root = world.installation.package.root
    wanted = before.replace("/usr/bin/env", str(slot.node.path)).replace(str(root), str(slot.package_root))
    assert world.unit.read_text() == wanted
    assert world.calls[-1] == "daemon-reload"


def test_a_service_the_user_had_disabled_stays_disabled(world: World) -> None:
    fenced(world)
    world.status(DropInPaths=unit_fence.fence_path(world.unit), UnitFileState="disabled")
    world.supervisor.install(world.installation, world.slot("[Service]\nExecStart=/n ROOT/dist/index.js gateway\n"))
    assert f"disable {NAME}" in world.calls


def test_an_install_that_writes_another_package_is_not_believed(world: World) -> None:
    fenced(world)
    slot = world.slot("[Service]\nExecStart=/n /other/openclaw/dist/index.js gateway\n")
    with pytest.raises(InstallFailed) as failed:
        world.supervisor.install(world.installation, slot)
    assert "/other/openclaw" in failed.value.why


@pytest.mark.parametrize(
    ("answer", "code", "why"),
    [
        (json.dumps({"ok": False, "error": "The systemd user session bus is unavailable."}), 1, "session bus is unavailable"),
        (json.dumps({"ok": False, "result": "not-loaded"}), 0, "exit code 0"),
        ("no JSON at all", 0, "no JSON"),
    ],
)
def test_an_install_is_judged_by_its_answer_and_not_by_its_exit_code(world: World, answer: str, code: int, why: str) -> None:
    fenced(world)
    with pytest.raises(InstallFailed) as failed:
        world.supervisor.install(world.installation, world.slot(answer=answer, code=code))
    assert why in failed.value.why


def test_a_start_is_refused_when_a_drop_in_starts_something_else(world: World) -> None:
    launch = world.supervisor.launch_record(world.installation)
    override = world.home / "50-mine.conf"
    override.write_text("[Service]\nExecStart=\nExecStart=/usr/bin/env /other/openclaw/dist/index.js gateway\n")
    world.status(DropInPaths=override)
    with pytest.raises(StartFailed) as failed:
        world.supervisor.start(world.installation, launch)
    assert str(override) in failed.value.why
    assert f"start {NAME}" not in world.calls
    assert any("replaces ExecStart" in sentence for sentence in world.supervisor.objections(world.installation))


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": 78}, "exit code 78"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "ExecMainStatus": 1, "NRestarts": 1}, "again and again"),
        ({"ActiveState": "inactive", "Result": "success"}, "condition"),
        ({"ActiveState": "active", "MainPID": 1, "NRestarts": 2, "ExecMainStatus": 1}, "again and again"),
    ],
)
def test_a_start_that_does_not_last_is_told_by_its_end(world: World, status: dict[str, object], why: str) -> None:
    launch = world.supervisor.launch_record(world.installation)
    world.status(**status)
    with pytest.raises(StartFailed) as failed:
        world.supervisor.start(world.installation, launch)
    assert why in failed.value.why


def test_a_start_is_reset_reload_start_and_another_process_than_meant_is_not_believed(world: World) -> None:
    launch = world.supervisor.launch_record(world.installation)
    world.status(ActiveState="active", MainPID=os.getpid())
    with pytest.raises(StartFailed) as failed:
        world.supervisor.start(world.installation, launch)
    assert "its main process is" in failed.value.why
    begun = [call for call in world.calls if not call.startswith("show")]
    assert begun == ["daemon-reload", f"reset-failed {NAME}", f"start {NAME}"]


def test_a_gateway_that_runs_beside_its_service_stands_against_a_move(world: World) -> None:
    state, identity = world.installation.state.path, ProcessIdentity(4242, 1.0)
    foreground = GatewayProcess(identity, os.getuid(), None, None, state)
    beside = replace(world.installation, gateways=(foreground,))
    assert "pid 4242" in world.supervisor.objections(beside)[0]
    hosted = replace(world.installation, gateways=(replace(foreground, unit=NAME),))
    assert world.supervisor.objections(hosted) == ()
    assert world.supervisor.objections(world.installation) == (), "a stopped one may be moved, and stays stopped"
    for active, sub in (("activating", "auto-restart"), ("active", "running")):  # between two tries, or not up yet
        world.status(ActiveState=active, SubState=sub, ExecMainStatus=1)
        (sentence,) = world.supervisor.objections(world.installation)
        assert f"systemd is starting {NAME}" in sentence and f"`systemctl --user stop {NAME}`" in sentence


def test_a_launch_goes_through_the_pointer_so_that_it_means_what_stands_there(world: World) -> None:
    real = world.home / "slots" / "a" / "openclaw"
    real.parent.mkdir(parents=True)
    pointer = world.installation.package.pointer
    pointer.rename(real)
    pointer.symlink_to(real)
    world.unit.write_text(f"[Service]\nExecStart=/n/node --max-old-space-size=8192 {real}/dist/index.js gateway\n")
    package = replace(world.installation.package, root=real)
    launch = world.supervisor.launch_record(replace(world.installation, package=package))
    assert launch.argv == ("/n/node", "--max-old-space-size=8192", f"{pointer}/dist/index.js", "gateway")


def test_a_node_that_is_gone_is_exchanged_for_the_slots_copy_and_an_equal_one_is_left(world: World) -> None:
    launch = world.supervisor.launch_record(world.installation)
    copy = world.home / "copy-of-node"
    copy.write_bytes(Path("/usr/bin/env").read_bytes())
    before = world.unit.read_text()
    with pytest.raises(StartFailed):  # nothing runs here; the unit is what is looked at
        world.supervisor.start(world.installation, replace(launch, argv=(str(copy), *launch.argv[1:])))
    assert world.unit.read_text() == before
    world.unit.write_text(before.replace("/usr/bin/env", "/removed/node"))
    with pytest.raises(StartFailed):
        world.supervisor.start(world.installation, replace(launch, argv=(str(copy), *launch.argv[1:])))
    assert world.unit.read_text() == before.replace("/usr/bin/env", str(copy))


def test_a_wrapper_is_no_launch_of_openclaw(world: World) -> None:
    world.unit.write_text("[Service]\nExecStart=/home/claw/run.sh\n")
    with pytest.raises(NotManaged, match="does not start OpenClaw itself"):
        world.supervisor.launch_record(world.installation)


def test_a_missing_unit_is_said_with_what_makes_it(world: World) -> None:
    world.status(LoadState="not-found", FragmentPath="")
    with pytest.raises(NotManaged, match="no service") as failed:
        world.supervisor.launch_record(world.installation)
    assert "gateway install" in failed.value.hint
    nowhere = replace(world.installation, service=Service(SupervisorKind.SYSTEMD_USER))
    with pytest.raises(NotManaged):
        world.supervisor.lower_fence(nowhere)


def test_a_stop_that_never_ends_is_given_up_at_the_limit(world: World) -> None:
    (world.home / "bin" / "systemctl").write_text(
        '#!/bin/sh\ncase "$*" in *" show "*) cat "$(dirname "$0")/status" ;; *) exec sleep 60 ;; esac\n'
    )
    impatient = replace(world.supervisor, stop_margin=timedelta(0))
    with pytest.raises(StopFailed) as failed:
        impatient.stop(world.installation, timedelta(seconds=0.2))
    assert "still at it after 1 s" in failed.value.why  # the unit's own limit, which is more than what was asked for


@pytest.mark.parametrize(
    ("groups", "inside"),
    [
        ("0::/user.slice/user-2000.slice/user@2000.service/app.slice/openclaw-gateway.service\n", True),
        ("0::/user.slice/user-2000.slice/user@2000.service/app.slice/openclaw-gateway.service/sub\n", True),
        ("1:name=systemd:/user.slice/user-2000.slice/user@2000.service/app.slice/openclaw-gateway.service\n0::/\n", True),
        ("0::/user.slice/user-2000.slice/user@2000.service/app.slice/openclaw-gateway-work.service\n", False),
        ("0::/user.slice/user-2001.slice/user@2001.service/app.slice/openclaw-gateway.service\n", False),
        ("0::/system.slice/openclaw-gateway.service\n", False),
        ("", False),
    ],
)
def test_a_control_group_is_matched_by_whole_names(groups: str, *, inside: bool) -> None:
    assert belongs(groups, NAME, 2000) is inside


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("5min 30s", 330.0), ("100ms", 0.1), ("1min 30s", 90.0), ("infinity", float("inf")), ("0", 0.0), ("", 0.0)],
)
def test_the_time_spans_of_systemd_are_read(span: str, seconds: float) -> None:
    assert seconds_of(span) == pytest.approx(seconds)


def test_the_session_is_reached_without_what_a_login_sets() -> None:
    bare = session_environment(2000, Path("/home/claw"), {})
    assert bare["XDG_RUNTIME_DIR"] == "/run/user/2000"
    assert bare["DBUS_SESSION_BUS_ADDRESS"] == "unix:path=/run/user/2000/bus"
    given = session_environment(2000, Path("/home/claw"), {"XDG_RUNTIME_DIR": "/x", "OPENAI_API_KEY": "made up"})
    assert given["DBUS_SESSION_BUS_ADDRESS"] == "unix:path=/x/bus"
    assert "made up" not in given.values()
