"""The systemd supervisor over the real systemd and the real OpenClaw."""

import json
import os
import signal
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from conftest import HOME, NAME, NEXT, NODE, OLD, OWN_NODE, PORT, PREFIX, STATE, Lab, answers, package, run, until

from upgrader.adapters.supervisors import unit_fence, unit_processes
from upgrader.domain.moves.launching import Launch
from upgrader.domain.process import InstallFailed, StartFailed
from upgrader.services.openclaw.service import units

LIMIT = timedelta(minutes=4)  # a busy machine takes its time


def schema() -> int:
    """user_version of the shared database."""
    with sqlite3.connect(f"file:{STATE}/state/openclaw.sqlite?mode=ro", uri=True) as database:
        return int(database.execute("pragma user_version").fetchone()[0])


def test_a_stop_leaves_nothing_and_a_start_is_the_one_meant(running: Lab) -> None:
    launch = running.supervisor.launch_record(running.installation)
    running.supervisor.stop(running.installation, LIMIT)
    assert not answers()
    assert unit_processes.members(NAME, os.getuid()) == ()
    identity = running.supervisor.start(running.installation, launch)
    assert psutil.Process(identity.pid).exe() == str(NODE)
    assert until(answers)
    assert running.systemctl.status(NAME).main_pid == identity.pid
    assert running.systemctl.status(NAME).restarts == 0


def test_the_fence_outlives_a_reload_the_death_of_the_gateway_and_every_start(running: Lab) -> None:
    running.supervisor.raise_fence(running.installation, running.journal)
    before = running.systemctl.status(NAME)
    assert before.active == "active"  # a fence does not stop what runs
    running.systemctl.must("daemon-reload")
    os.kill(before.main_pid, signal.SIGKILL)
    assert until(lambda: running.systemctl.status(NAME).active == "inactive", 20)  # RestartSec, then the condition
    for word in ("start", "restart", "try-restart"):
        assert running.systemctl.run(word, NAME).exit_code == 0  # systemd skips it without a word
        assert running.systemctl.status(NAME).main_pid == 0
    running.systemctl.must("daemon-reexec")
    assert until(lambda: running.systemctl.run("start", NAME).exit_code == 0)
    assert running.systemctl.status(NAME).main_pid == 0
    with pytest.raises(StartFailed) as failed:
        running.supervisor.start(running.installation, running.supervisor.launch_record(running.installation))
    assert "condition" in failed.value.why
    running.supervisor.lower_fence(running.installation)
    running.systemctl.must("start", NAME)
    assert until(answers)


def test_a_fence_whose_transaction_is_gone_holds_nobody_back(running: Lab) -> None:
    running.supervisor.raise_fence(running.installation, running.journal)
    running.supervisor.stop(running.installation, LIMIT)
    running.journal.with_name("fence").unlink()
    running.systemctl.must("start", NAME)
    assert until(answers)


def test_the_unit_of_a_like_release_is_changed_in_place_and_the_state_is_not_touched(running: Lab) -> None:
    running.supervisor.raise_fence(running.installation, running.journal)
    running.supervisor.stop(running.installation, LIMIT)
    running.supervisor.install(running.installation, running.slot(NEXT, "2026.9.6"))
    assert schema() == 17
    command = units.command_of(running.supervisor.launch_record(running.installation).argv)
    assert command is not None
    assert (command.node, command.package_root, command.port) == (OWN_NODE, package(NEXT), PORT)
    assert running.systemctl.status(NAME).main_pid == 0


def test_the_release_writes_its_unit_behind_the_fence_and_starts_nothing(running: Lab) -> None:
    slot = running.slot(NEXT, "2026.9.6")
    with pytest.raises(InstallFailed):
        running.supervisor.install(running.installation, slot)
    by_hand = units.unit_path(HOME, "").read_bytes()
    running.supervisor.raise_fence(running.installation, running.journal)
    running.supervisor.stop(running.installation, LIMIT)
    running.supervisor.install(running.of_another_time, slot)
    assert schema() == 18  # it migrates what it looks at
    status = running.systemctl.status(NAME)
    assert (status.active, status.main_pid, status.needs_reload) == ("inactive", 0, False)
    launch = running.supervisor.launch_record(running.installation)
    command = units.command_of(launch.argv)
    assert command is not None
    assert (command.node, command.package_root, command.port) == (OWN_NODE, package(NEXT), PORT)
    written = units.unit_path(HOME, "").read_bytes()
    assert without_path(written) == without_path(units.with_command(by_hand, command))  # what makes them alike
    doctor = (str(OWN_NODE), str(package(NEXT) / "openclaw.mjs"), "doctor", "--fix", "--non-interactive")
    assert run(*doctor, limit=600).returncode == 0
    running.supervisor.stop(running.installation, LIMIT)
    running.supervisor.lower_fence(running.installation)
    identity = running.supervisor.start(running.installation, launch)
    assert psutil.Process(identity.pid).exe() == str(OWN_NODE)
    assert until(answers)
    assert running.systemctl.status(NAME).main_pid == identity.pid


def without_path(text: bytes) -> list[bytes]:
    """A unit's lines but for PATH, whose order follows the place of Node."""
    return [line for line in text.splitlines() if not line.startswith(b"Environment=PATH=")]


def test_a_release_that_refuses_the_state_is_told_with_its_78(running: Lab) -> None:
    launch = running.supervisor.launch_record(running.installation)
    unit = units.unit_path(HOME, "")
    old = unit.read_bytes()
    running.supervisor.raise_fence(running.installation, running.journal)
    running.supervisor.stop(running.installation, LIMIT)
    running.supervisor.install(running.of_another_time, running.slot(NEXT, "2026.9.6"))  # the state is 9.6's from here on
    running.supervisor.lower_fence(running.installation)
    unit.write_bytes(old)
    try:
        running.supervisor.start(running.installation, launch)
    except StartFailed as failed:
        assert "exit code 78" in failed.why
    else:  # slower than RestartSec: the wait for readiness sees it end
        assert until(lambda: running.systemctl.status(NAME).active == "failed")
    status = running.systemctl.status(NAME)
    assert (status.active, status.exit_status, status.restarts) == ("failed", 78, 0)


def test_a_unit_that_starts_another_package_than_meant_is_not_started(running: Lab) -> None:
    launch = running.supervisor.launch_record(running.installation)
    running.supervisor.stop(running.installation, LIMIT)
    folder = unit_fence.fence_path(units.unit_path(HOME, "")).parent
    folder.mkdir()
    override = folder / "50-mine.conf"
    override.write_text(f"[Service]\nExecStart=\nExecStart={NODE} {package(NEXT)}/dist/index.js gateway\n")
    try:
        with pytest.raises(StartFailed) as failed:
            running.supervisor.start(running.installation, launch)
        assert str(override) in failed.value.why
        assert "replaces ExecStart" in running.supervisor.objections(running.installation)[0]
        assert running.systemctl.status(NAME).main_pid == 0
    finally:
        override.unlink()
        folder.rmdir()


STAND_INS = {
    "flapping": "setTimeout(() => process.exit(1), 300)",
    "leaving": "require('child_process').spawn('sleep', ['600'], {detached: true, stdio: 'ignore'});"
    "setInterval(() => {}, 1000)",
}


@pytest.fixture
def stand_in(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Lab, str, Launch]:
    """A unit of its own over a script that behaves badly in one way."""
    script = tmp_path / "openclaw" / "dist" / "index.js"
    script.parent.mkdir(parents=True)
    script.write_text(STAND_INS[request.param])
    name = f"openclaw-gateway-{request.param}.service"
    unit = units.unit_path(HOME, "").with_name(name)
    settings = f"ExecStart={NODE} {script} gateway\nRestart=always\nRestartSec=2\nKillMode=process\nEnvironment=HOME={HOME}\n"
    unit.write_text("[Service]\n" + settings)
    lab.systemctl.must("daemon-reload")

    def clean() -> None:
        lab.systemctl.run("stop", name)
        unit.unlink()
        lab.systemctl.must("daemon-reload")

    request.addfinalizer(clean)
    return lab, name, lab.supervisor.launch_record(lab.named(name))


@pytest.mark.parametrize("stand_in", ["flapping"], indirect=True)
def test_a_gateway_that_ends_again_and_again_is_not_believed(stand_in: tuple[Lab, str, Launch]) -> None:
    lab, name, launch = stand_in
    with pytest.raises(StartFailed) as failed:
        lab.supervisor.start(lab.named(name), launch)
    assert "exit code 1" in failed.value.why
    assert "again and again" in failed.value.why


@pytest.mark.parametrize("stand_in", ["leaving"], indirect=True)
def test_what_a_stopped_gateway_left_behind_is_ended(stand_in: tuple[Lab, str, Launch]) -> None:
    lab, name, launch = stand_in
    lab.supervisor.start(lab.named(name), launch)
    assert until(lambda: len(unit_processes.members(name, os.getuid())) == 2)
    lab.supervisor.stop(lab.named(name), LIMIT)
    assert unit_processes.members(name, os.getuid()) == ()


def test_a_run_inside_the_gateways_own_service_knows_it() -> None:
    code = (
        "import os, sys; from upgrader.adapters.supervisors.unit_processes import is_inside;"
        "sys.exit(0 if is_inside('openclaw-gateway-own.service', os.getuid()) else 1)"
    )
    alone = run(sys.executable, "-c", code)
    beside = ("systemd-run", "--user", "--wait", "--collect", "-q", "--unit=openclaw-gateway-own")
    hosted = run(*beside, sys.executable, "-c", code)
    assert (alone.returncode, hosted.returncode) == (1, 0)


def test_2_17_says_ok_of_the_restart_of_a_service_that_is_not_there() -> None:
    argv = (str(NODE), str(package(OLD) / "openclaw.mjs"), "--profile", "nosuch", "gateway", "restart", "--json")
    said = run(*argv)
    answer = units.read_install_answer(said.stdout)
    assert said.returncode == 0
    assert json.loads(said.stdout[said.stdout.index(b"{") :])["ok"] is True
    assert answer.result == "not-loaded"


def test_a_2_17_unit_names_the_slots_node_although_2_17_cannot_be_told(running: Lab) -> None:
    # Its own profile and so its own state: 2.17 must not see that of 9.5. A fence needs a unit to belong to.
    unit = units.unit_path(HOME, "old")
    unit.write_text(f"[Service]\nExecStart={NODE} {package(OLD)}/dist/index.js gateway --port 18999\n")
    installation = running.named(unit.name)
    running.supervisor.raise_fence(installation, running.journal)
    slot = running.slot(OLD, "2026.2.17")
    argv = (str(OWN_NODE), str(package(OLD) / "openclaw.mjs"), "--profile", "old", "gateway", "install", "--force", "--json")
    try:
        said = run(*argv)
        assert units.read_install_answer(said.stdout).worked, said.stdout
        running.supervisor.reload(installation)
        assert running.systemctl.status(unit.name).main_pid == 0
        from_unit = units.command_of(running.supervisor.launch_record(installation).argv)
        assert from_unit is not None
        assert from_unit.package_root == slot.package_root
        changed = units.with_node(unit.read_bytes(), OWN_NODE)
        unit.write_bytes(changed)
        running.supervisor.reload(installation)
        assert running.supervisor.launch_record(installation).argv[0] == str(OWN_NODE)
    finally:
        running.systemctl.run("disable", unit.name)
        unit.unlink(missing_ok=True)
        running.supervisor.lower_fence(installation)
    assert PREFIX.exists()
