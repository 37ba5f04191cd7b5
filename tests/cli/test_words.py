"""Every command is found whichever words stand before it, though only the modules that the words may mean are loaded."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.world.fixtures import WorldOf
from tests.world.registry import FakeRegistry, RegistryFault
from upgrader.cli import app as front


@pytest.mark.parametrize(
    ("words", "modules"),
    [
        (["plan"], {"plan"}),
        (["--config", "plan", "status"], {"plan", "status"}),
        (["unpin"], {"pin"}),
        (["statsu"], set(front._MODULES)),
        ([], set(front._MODULES)),
    ],
)
def test_what_the_words_may_mean_is_loaded(words: list[str], modules: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: set[str] = set()

    class Found:
        def __init__(self, name: str) -> None:
            self.name = name.rpartition(".")[2]

        def register(self, _app: object) -> None:
            loaded.add(self.name)

    monkeypatch.setattr(front, "import_module", Found)
    front.load(words)
    assert loaded == modules


def test_every_module_of_commands_is_named() -> None:
    room = Path(front.__file__).parent
    registering = {path.stem for path in room.glob("*.py") if "def register(" in path.read_text()}
    assert registering == set(front._MODULES)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("statsu",), 2, "Did you mean 'status'?"),
        (("status", "--profile"), 2, "requires an argument"),
        (("pin", "--reason", "x", "--until", "soon"), 2, "hint: a day is written YYYY-MM-DD"),
        (("plan", "--nonsense"), 2, "No such option"),
        (("pin", "--until"), 2, "requires an argument"),
        (("upgrade", "--accept"), 2, "requires an argument"),
        (("plan", "2026.9.6", "2026.9.5"), 2, "unexpected extra argument"),
        (("plan", "newest", "--json"), 2, ""),
        (("watch", "--every", "0s"), 2, "without a pause"),
        (("watch", "--restore", "--adopt"), 2, "do not go together"),
    ],
)
def test_words_that_do_not_fit_are_usage_errors(words: tuple[str, ...], code: int, says: str, tmp_path: Path) -> None:
    argv = (sys.executable, "-m", "upgrader", *words)
    settings = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    ended = subprocess.run(argv, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, says in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr


def said_to(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """What a person who is not at a terminal is told."""
    argv = (sys.executable, "-m", "upgrader", *words)
    settings = {"HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "60", **more}
    return subprocess.run(argv, env=settings, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [(), ("--json",), ("-h",), ("help",), ("known",), ("help", "plan"), ("plan", "-h")])
def test_who_asks_for_help_gets_it_on_standard_output(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = said_to(tmp_path, *words)
    assert (ended.returncode, ended.stderr, ended.stdout.splitlines()[0][:15]) == (0, "", "Usage: upgrader")
    assert ("plan [OPTIONS]" in ended.stdout) is ("plan" in words)


@pytest.mark.parametrize(
    "words", [("--state-dir", "{}", "status"), ("status", "--state-dir", "{}"), ("status", "--state-dir={}", "--json")]
)
def test_what_selects_the_installation_may_stand_behind_the_command_too(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = said_to(tmp_path, "--json", *(word.format(tmp_path / "elsewhere") for word in words))
    answer = json.loads(ended.stdout)
    assert (ended.returncode, answer["command"], answer["errors"][0]["code"]) == (1, "status", "not_found")
    assert "elsewhere" in answer["errors"][0]["why"]


def test_an_error_names_the_command_as_its_answer_would(tmp_path: Path) -> None:
    for words, named in ((("known", "add", "9"), "known add"), (("--yes", "plan", "9"), "plan"), (("--nonsense",), "upgrader")):
        assert json.loads(said_to(tmp_path, *words, "--json").stdout)["command"] == named


def test_the_next_command_stands_on_one_line_however_narrow_the_screen(tmp_path: Path) -> None:
    ended = said_to(tmp_path, "status")
    assert "hint: `upgrader demo` shows it on an OpenClaw of its own; `npm install -g openclaw` installs one" in ended.stderr


def test_who_interrupts_is_told_so_in_the_form_of_every_error(world_of: WorldOf, registry: FakeRegistry) -> None:
    registry.fault = RegistryFault.SLOW
    world = world_of()
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        registry.requests.clear()
        waiting = world.begin("--json", "canary", "2026.9.6")
        world.wait(lambda: registry.requests, "a question to the registry", 60)
        waiting.process.send_signal(number)
        assert waiting.wait(60) == code
        told = json.loads(waiting.out.read_text())
        assert (told["exit_code"], told["errors"][0]["code"]) == (code, "interrupted")
        assert "`upgrader status`" in told["errors"][0]["hint"]


def test_a_lock_that_cannot_name_its_holder_holds_all_the_same(world_of: WorldOf) -> None:
    world = world_of()
    assert world.run("status").exit_code == 0
    (lock,) = world.home.glob(".local/share/openclaw-upgrader/installations/*/lock")
    with FileLock(lock):
        busy = world.run("--json", "status")
        assert (busy.exit_code, world.run("prune", "--yes").exit_code) == (0, 6)
        assert "another upgrader run works on this installation" in busy.json["notices"][0]
    lock.unlink(missing_ok=True)
    lock.mkdir()  # as a disk that takes no writes
    (note,) = world.run("--json", "status").json["notices"]
    assert note.startswith("whether a move was left open was not looked for: ")
    lock.rmdir()
    lock.with_suffix(".holder").mkdir()  # as a full disk: nothing can be written there
    said = world.run("--json", "status")
    assert (said.exit_code, said.json["status"]) == (0, "done"), said.text


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_what_only_looks_says_that_a_move_has_not_ended(command: str, world_of: WorldOf) -> None:
    world = world_of()
    assert world.run("--json", command).json["notices"] == []
    world.state.with_name(f"{world.state.name}.upgrader-open").write_text("{}")
    (said,) = world.run("--json", command).json["notices"]
    assert "has not ended" in said and "`upgrader status`" in said


def test_tab_completes_commands_and_their_options(tmp_path: Path) -> None:
    for typed, wanted in (("upgrader roll", "rollback"), ("upgrader plan --de", "--detailed-exitcode")):
        asked = {"_UPGRADER_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
        completed = subprocess.run(
            (Path(sys.executable).with_name("upgrader"),),
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", **asked},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert completed.stdout.split() == [wanted]


@pytest.mark.parametrize("words", [("plan", "9"), ("--json", "plan", "9"), ("status",)])
def test_an_answer_that_cannot_be_written_is_told_without_a_traceback(words: tuple[str, ...], tmp_path: Path) -> None:
    settings = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with Path("/dev/full").open("w") as full:
        argv = (sys.executable, "-m", "upgrader", *words)
        ended = subprocess.run(argv, env=settings, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert ended.returncode in (1, 2)
    assert "Traceback" not in ended.stderr
    assert "error:" in ended.stderr


def test_a_place_whose_name_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    place = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(place)  # noqa: PTH102 - no text, no Path
    settings = {b"HOME": os.fsencode(tmp_path), b"PATH": b"/usr/bin:/bin", b"OPENCLAW_STATE_DIR": place}
    for words in (("status",), ("--json", "plan"), ("--yes", "upgrade")):
        argv = (sys.executable, "-m", "upgrader", *words)
        ended = subprocess.run(argv, env=settings, capture_output=True, text=True, timeout=60, check=False)
        said = " ".join((ended.stdout + ended.stderr).split())
        assert (ended.returncode, "is not UTF-8" in said) == (2, True), said
        assert "Traceback" not in ended.stderr
