"""OpenClaw's systemd units, read and changed as text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.installation.supervision import GatewayCommand, InstallAnswer, UnitPart
from upgrader.domain.version import Version
from upgrader.services.openclaw.service import units

# As 2026.9.5 and 2026.2.17 wrote them under a real systemd; the token is made up.
UNIT_9_5 = rb"""[Unit]
Description=OpenClaw Gateway
After=network-online.target
Wants=network-online.target
StartLimitBurst=10
StartLimitIntervalSec=300

[Service]
ExecStart=/opt/node24/bin/node --max-old-space-size=8192 /home/claw/lib/node_modules/openclaw/dist/index.js gateway --port 18789
Restart=always
RestartSec=5
RestartPreventExitStatus=78
TimeoutStopSec=330
KillMode=mixed
EnvironmentFile=-/home/claw/.openclaw/gateway.systemd.env
Environment=HOME=/home/claw
Environment=TMPDIR=/tmp
Environment=NODE_OPTIONS=
Environment=OPENCLAW_GATEWAY_PORT=18789
Environment=OPENCLAW_SYSTEMD_UNIT=openclaw-gateway.service
Environment="OPENCLAW_WINDOWS_TASK_NAME=OpenClaw Gateway"
Environment=OPENCLAW_SERVICE_MARKER=openclaw

[Install]
WantedBy=default.target
"""
UNIT_2_17 = rb"""[Unit]
Description=OpenClaw Gateway (v2026.2.17)

[Service]
ExecStart="/usr/bin/node" "/usr/lib/node_modules/openclaw/dist/index.js" "gateway" "--port" "18789"
Restart=always
RestartSec=5
KillMode=process
Environment=HOME=/home/claw
Environment="OPENCLAW_GATEWAY_TOKEN=made up 100%% secret"
Environment=OPENCLAW_SERVICE_VERSION=2026.2.17
"""


def part(text: bytes, name: str = "openclaw-gateway.service") -> UnitPart:
    return UnitPart(Path("/units") / name, text)


def test_a_unit_of_9_5_is_taken_apart_with_its_heap_option_and_port() -> None:
    found = units.read_unit((part(UNIT_9_5),))
    root = Path("/home/claw/lib/node_modules/openclaw")
    assert units.command_of(found.command) == GatewayCommand(
        Path("/opt/node24/bin/node"), ("--max-old-space-size=8192",), root / "dist/index.js", root, 18789
    )
    assert found.environment["OPENCLAW_WINDOWS_TASK_NAME"] == "OpenClaw Gateway"
    assert found.environment["NODE_OPTIONS"] == ""
    assert found.environment_files == (Path("/home/claw/.openclaw/gateway.systemd.env"),)


def test_a_quoted_unit_of_2_17_is_taken_apart_and_its_token_is_not_shown() -> None:
    found = units.read_unit((part(UNIT_2_17),))
    command = units.command_of(found.command)
    assert command is not None and command.port == 18789 and command.node == Path("/usr/bin/node")
    assert found.environment["OPENCLAW_GATEWAY_TOKEN"] == "made up 100% secret"
    assert "made up" not in repr(found) + repr(part(UNIT_2_17))


def test_a_drop_in_that_replaces_the_command_is_named() -> None:
    override = part(b"[Service]\nExecStart=\nExecStart=/home/claw/run.sh --port 1\n", "openclaw-gateway.service.d/50-mine.conf")
    found = units.read_unit((part(UNIT_9_5), override))
    assert found.command_from == override.path
    assert found.command == ("/home/claw/run.sh", "--port", "1")
    assert units.command_of(found.command) is None


def test_a_drop_in_adds_to_the_environment_and_an_empty_line_resets_it() -> None:
    added = units.read_unit((part(UNIT_9_5), part(b"[Service]\nEnvironment=A=1 'B=2 3'\n", "a.conf")))
    assert (added.environment["A"], added.environment["B"], added.environment["TMPDIR"]) == ("1", "2 3", "/tmp")
    reset = units.read_unit((part(UNIT_9_5), part(b"[Service]\nEnvironment=\nEnvironment=A=1\n", "a.conf")))
    assert dict(reset.environment) == {"A": "1"}


def test_lines_of_other_sections_comments_and_joined_lines_are_read_as_systemd_does() -> None:
    text = (
        b"[Unit]\nExecStart=/no\n[Service]\n# ExecStart=/no\n"
        b"ExecStart=/n/node \\\n; between\n  /p/openclaw/openclaw.mjs gateway\n"
    )
    assert units.read_unit((part(text),)).command == ("/n/node", "/p/openclaw/openclaw.mjs", "gateway")


def test_another_node_replaces_one_word_and_nothing_else() -> None:
    changed = units.with_node(UNIT_9_5, Path("/data/my slots/100%/node"))
    before, after = units.read_unit((part(UNIT_9_5),)), units.read_unit((part(changed),))
    assert after.command == ("/data/my slots/100%/node", *before.command[1:])
    differing = [(old, new) for old, new in zip(UNIT_9_5.splitlines(), changed.splitlines(), strict=True) if old != new]
    assert len(differing) == 1
    assert differing[0][0].startswith(b"ExecStart=")


def test_another_slot_in_the_same_unit_changes_one_line_and_can_be_changed_back() -> None:
    before = units.command_of(units.read_unit((part(UNIT_9_5),)).command)
    assert before is not None
    root = Path("/slots/b c/node_modules/openclaw")
    command = GatewayCommand(Path("/slots/node"), (), root / "dist/index.js", root)
    changed = units.with_command(UNIT_9_5, command)
    after = units.command_of(units.read_unit((part(changed),)).command)
    assert after == GatewayCommand(command.node, before.node_options, command.entry, root, before.port)
    assert units.with_command(changed, before) == UNIT_9_5


def test_only_releases_whose_units_were_compared_count_as_alike() -> None:
    assert units.writes_alike(Version("2026.9.5"), Version("2026.9.6"))
    assert not units.writes_alike(Version("2026.9.6"), Version("2026.9.7"))
    assert not units.writes_alike(Version("2026.2.17"), Version("2026.9.6"))


VISIBLE = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Z"]), min_size=1)


@given(st.lists(VISIBLE, min_size=1))
def test_every_word_written_into_a_unit_is_read_back(words: list[str]) -> None:
    node = "/" + " ".join(words)
    text = units.with_node(b"[Service]\nExecStart=/old/node /p/openclaw/dist/index.js gateway\n", Path(node))
    assert units.read_unit((part(text),)).command[0] == str(Path(node))


def test_the_releases_that_can_be_told_their_node_are_told() -> None:
    root = Path("/slots/a/node_modules/openclaw")
    command = GatewayCommand(Path("/slots/a/node"), (), root / "openclaw.mjs", root, 19000)
    recent = units.install_argv(command, Version("2026.9.6"), "")
    assert recent[:6] == ("/slots/a/node", str(root / "openclaw.mjs"), "gateway", "install", "--force", "--json")
    assert recent[6:] == ("--port", "19000", "--runtime-path", "/slots/a/node")
    old = units.install_argv(command, Version("2026.2.22"), "work")
    assert old[2:] == ("--profile", "work", "gateway", "install", "--force", "--json", "--port", "19000")


def test_what_the_release_writes_itself_is_not_handed_on() -> None:
    handed = units.install_environment({**units.read_unit((part(UNIT_9_5),)).environment, "OPENCLAW_STATE_DIR": "/s"})
    assert handed == {"HOME": "/home/claw", "TMPDIR": "/tmp", "OPENCLAW_STATE_DIR": "/s"}
    assert "OPENCLAW_GATEWAY_TOKEN" not in units.install_environment(units.read_unit((part(UNIT_2_17),)).environment)


@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        (b'{"action":"install","ok":true,"result":"installed","service":{}}', InstallAnswer(True, "installed")),
        (b'a note before {"ok":true,"result":"installed"} and after', InstallAnswer(True, "installed")),
        (b'{"action":"install","ok":false,"error":"no bus"}', InstallAnswer(False, "", "no bus")),
        (b'{"ok":false,"error":{"type":"cli_error","message":"newer schema"}}', InstallAnswer(False, "", "newer schema")),
        (b"", InstallAnswer(False, "", "it printed no JSON")),
        (b"[1]", InstallAnswer(False, "", "it printed no JSON object")),
    ],
)
def test_the_answer_of_an_install_is_read(printed: bytes, answer: InstallAnswer) -> None:
    assert units.read_install_answer(printed) == answer


def test_the_answer_about_a_missing_service_says_not_loaded_although_it_says_ok() -> None:
    # 2026.2.17: `gateway restart --json` of a service that is not there, exit code 0.
    said = json.dumps({"action": "restart", "ok": True, "result": "not-loaded", "message": "Gateway service disabled."})
    assert units.read_install_answer(said.encode()).result == "not-loaded"


def test_a_process_is_matched_to_its_state_by_its_environment() -> None:
    home = Path("/home/claw")
    assert units.state_of({"HOME": "/home/claw"}, home, lambda _: True) == home / ".openclaw"
    assert units.state_of({"HOME": "/home/claw", "OPENCLAW_STATE_DIR": "/s"}, home, lambda _: True) == Path("/s")


def test_the_unit_lies_where_every_release_writes_it() -> None:
    assert units.unit_path(Path("/home/claw"), "") == Path("/home/claw/.config/systemd/user/openclaw-gateway.service")
    assert units.unit_path(Path("/home/claw"), "work").name == "openclaw-gateway-work.service"
