"""What `diagnose` says of a spoilt unit under the real systemd and the real OpenClaw, mended each time by what it prints."""

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import HOME, NAME, NEXT, NODE, PORT, Lab, answers, package, run, until

UNIT = HOME / ".config" / "systemd" / "user" / NAME
DROP_INS = UNIT.with_name(f"{NAME}.d")
MINE = DROP_INS / "60-mine.conf"
SECOND = UNIT.with_name("openclaw-gateway-second.service")


@dataclass(frozen=True)
class Fault:
    """How a unit is spoilt, the cause that must come first, and what a person does by hand beside the printed commands."""

    code: str
    spoil: Callable[[Lab], object]
    by_hand: Callable[[], None] = lambda: None


def edited(old: str, new: str) -> None:
    """The unit with one thing changed."""
    text = UNIT.read_text()
    assert old in text
    UNIT.write_text(text.replace(old, new, 1))


def dropped_in(text: str) -> None:
    """A drop-in of the user's."""
    DROP_INS.mkdir(exist_ok=True)
    MINE.write_text(text)


def restarted(lab: Lab) -> None:
    """The changed unit, in force; it may not come up."""
    lab.systemctl.must("daemon-reload")
    lab.systemctl.run("restart", NAME)


def another_token(lab: Lab) -> None:
    edited("[Service]\n", "[Service]\nEnvironment=OPENCLAW_GATEWAY_TOKEN=another-token-of-a-former-day\n")
    restarted(lab)
    assert until(answers)


def node_gone(lab: Lab) -> None:
    edited(f"ExecStart={NODE} ", "ExecStart=/opt/gone/node ")
    restarted(lab)


def another_port(lab: Lab) -> None:
    edited(f"--port {PORT}", f"--port {PORT + 7}")
    lab.systemctl.must("daemon-reload")


def starts_another(lab: Lab) -> None:
    dropped_in(f"[Service]\nExecStart=\nExecStart={NODE} {package(NEXT)}/dist/index.js gateway --port {PORT}\n")
    lab.systemctl.must("daemon-reload")


def second(lab: Lab) -> None:
    SECOND.write_text(UNIT.read_text().replace(f"--port {PORT}", f"--port {PORT + 7}"))
    lab.systemctl.must("daemon-reload")


def masked(lab: Lab) -> None:
    lab.systemctl.run("stop", NAME, limit=timedelta(minutes=4))
    UNIT.unlink()
    UNIT.symlink_to("/dev/null")
    lab.systemctl.must("daemon-reload")


def held_back(lab: Lab) -> None:
    dropped_in("[Service]\nExecStartPre=/bin/false\nRestartSec=1\n")
    restarted(lab)
    assert until(lambda: lab.systemctl.status(NAME).active == "failed", 120)
    MINE.unlink()
    lab.systemctl.must("daemon-reload")


def killed(lab: Lab) -> None:
    dropped_in("[Service]\nRestart=no\n")
    lab.systemctl.must("daemon-reload")
    os.kill(lab.systemctl.status(NAME).main_pid, signal.SIGKILL)
    assert until(lambda: lab.systemctl.status(NAME).active == "failed", 30)


def again_and_again(lab: Lab) -> None:
    dropped_in("[Service]\nExecStartPre=/bin/false\nRestartSec=60\n")
    restarted(lab)
    assert until(lambda: lab.systemctl.status(NAME).sub == "auto-restart", 60)


def mended_drop_in() -> None:
    MINE.unlink()
    run("systemctl", "--user", "daemon-reload")


def restarted_by_hand() -> None:
    mended_drop_in()
    run("systemctl", "--user", "restart", NAME)


FAULTS = (
    Fault("unit-not-reloaded", lambda _lab: edited("[Service]\n", "# a note\n[Service]\n")),
    Fault("unit-disabled", lambda lab: lab.systemctl.must("disable", NAME)),
    Fault("second-service", second),
    Fault("service-starts-another", starts_another, mended_drop_in),
    Fault("service-token-differs", another_token),
    Fault("service-node-gone", node_gone),
    Fault("service-other-port", another_port),
    Fault("unit-start-limit", held_back),
    Fault("unit-failed", killed),
    Fault("unit-restarting", again_and_again, restarted_by_hand),
    Fault("unit-masked", masked),
)


@pytest.fixture
def whole(lab: Lab) -> Iterator[Lab]:
    """The seeded gateway, serving by the unit it was seeded with."""
    if not answers():
        lab.systemctl.run("reset-failed", NAME)
        lab.systemctl.run("restart", NAME)
    assert until(answers)
    seeded = UNIT.read_bytes()
    yield lab
    for path in (MINE, SECOND, UNIT):
        path.unlink(missing_ok=True)
    UNIT.write_bytes(seeded)
    lab.systemctl.run("daemon-reload")
    lab.systemctl.run("enable", NAME)


@pytest.fixture(scope="module")
def usual() -> frozenset[str]:
    """What is told of the seeded machine before anything is spoilt: its device may wait for an approval."""
    assert until(answers)
    found = frozenset(broken(diagnosed()))
    print(f"told of the machine as seeded: {sorted(found)}")
    return found


def diagnosed(usual: frozenset[str] = frozenset()) -> list[dict[str, str]]:
    """The causes but for the usual ones, likeliest first."""
    said = run(sys.executable, "-m", "upgrader", "--json", "diagnose")
    return [each for each in json.loads(said.stdout)["data"]["causes"] if each["code"] not in usual]


def broken(causes: list[dict[str, str]]) -> list[str]:
    """The names of those that break something now or later."""
    return [each["code"] for each in causes if each["impact"] != "told"]


def followed(remedy: str) -> None:
    """Every command a remedy prints, in its order."""
    for line in re.findall(r"`([^`]+)`", remedy):
        run("bash", "-c", line, limit=400)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code)
def test_a_spoilt_unit_is_the_first_cause_and_what_is_printed_mends_it(whole: Lab, usual: frozenset[str], fault: Fault) -> None:
    fault.spoil(whole)
    causes = diagnosed(usual)
    print(json.dumps([[each["code"], each["remedy"], each["evidence"]] for each in causes]))
    assert causes[0]["code"] == fault.code
    fault.by_hand()
    followed(causes[0]["remedy"])
    assert until(answers)
    assert until(lambda: broken(diagnosed(usual)) == [], 60), diagnosed(usual)


@pytest.mark.usefixtures("whole")
def test_a_service_on_another_state_than_the_shell_is_told_with_both(tmp_path: Path) -> None:
    edited("[Service]\n", f"[Service]\nEnvironment=OPENCLAW_STATE_DIR={tmp_path}\n")
    first = diagnosed()[0]
    assert (first["code"], str(tmp_path) in first["remedy"]) == ("service_elsewhere", True)
