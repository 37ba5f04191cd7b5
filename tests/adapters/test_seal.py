"""A canary's place: what can be seen and reached in it, and that nothing of it outlives its tool."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.world.processes import wait_until
from upgrader.adapters.place.seal import LinuxPlaces
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.domain.canary.enclosure import Place, PlaceLost, Show, Site
from upgrader.domain.canary.report import Seal
from upgrader.domain.ports import Command
from upgrader.domain.process import CommandMissing, CommandTimedOut

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


class Unsealed(LinuxPlaces):
    """A machine whose kernel permits no namespaces."""

    def seal(self) -> Seal:
        return Seal.UNSEALED


def _site(root: Path, seal: Seal) -> Site:
    names = ("state", "home", "temporary", "notes")
    state, home, temporary, notes = (root / "place" / name for name in names)
    if seal is Seal.UNSEALED:
        return Site(root / "place", state, home, temporary, notes, state, home, temporary)
    return Site(root / "place", state, home, temporary, notes, root / "live" / "state", root / "live", Path("/tmp"))


@pytest.fixture
def sealing(tmp_path: Path) -> LinuxPlaces:
    places = LinuxPlaces(ProcessRunner({}), tmp_path / "trial")
    if places.seal() is not Seal.SEALED:
        pytest.skip(f"this machine permits no namespaces: {places.why_unsealed()}")
    return places


@pytest.fixture
def sealed(sealing: LinuxPlaces, tmp_path: Path) -> Iterator[Place]:
    live = tmp_path / "live" / "state"
    live.mkdir(parents=True)
    (live / "secret").write_text("live")
    with sealing.open(_site(tmp_path, Seal.SEALED)) as place:
        yield place


@pytest.fixture(params=[Seal.SEALED, Seal.UNSEALED], ids=["sealed", "unsealed"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    kind = LinuxPlaces if request.param is Seal.SEALED else Unsealed
    places = kind(ProcessRunner({}), tmp_path / "trial")
    if places.seal() is not request.param:
        pytest.skip(f"this machine permits no namespaces: {places.why_unsealed()}")
    with places.open(_site(tmp_path, request.param)) as opened:
        yield opened


def _shell(place: Place, script: str, limit_s: float = 20) -> tuple[int, str]:
    ran = place.run(Command(("/bin/sh", "-c", script), timedelta(seconds=limit_s), ENVIRONMENT, Path("/")))
    return ran.exit_code, (ran.stdout + ran.stderr).decode()


def test_inside_the_live_state_is_the_clone_and_the_live_one_cannot_be_seen(sealed: Place, tmp_path: Path) -> None:
    live = tmp_path / "live" / "state"
    code, said = _shell(sealed, f"cat {live}/secret 2>&1; echo clone > {live}/secret; cat {live}/secret")
    assert code == 0
    assert "No such file" in said
    assert said.endswith("clone\n")
    assert (live / "secret").read_text() == "live"
    assert (tmp_path / "place" / "state" / "secret").read_text() == "clone\n"


def test_the_only_network_is_a_loopback_of_its_own(sealed: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        assert sealed.outside().interfaces == ("lo",)
        assert sealed.fetch(port, "/").status == 0


def test_no_socket_of_the_host_exists_inside(sealed: Place, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "host.sock"))
        server.listen()
        _, said = _shell(sealed, f"ls {tmp_path}/host.sock /run /var/run; find / -xdev -type s 2>/dev/null")
    assert "host.sock: No such file" in said.replace("'", "")
    ours = ("/job/", "/tmp/no-", "/run/user/", "/run/dbus/", "/run/systemd/")  # our own: what tells who reaches for a manager
    found = [line for line in said.splitlines() if line.startswith("/") and not line.endswith(":")]
    assert not [line for line in found if not any(part in line for part in ours)]


def test_system_directories_are_read_only_and_no_privilege_is_left(sealed: Place) -> None:
    _, said = _shell(sealed, "touch /usr/planted; umount /usr; grep -E 'Cap(Eff|Bnd)' /proc/self/status; unshare -m true")
    assert "Read-only file system" in said
    assert said.count("0000000000000000") == 2
    assert not Path("/usr/planted").exists()


def test_processes_of_the_host_cannot_be_seen(sealed: Place) -> None:
    _, said = _shell(sealed, "ls /proc")
    assert str(os.getpid()) not in said.split() or os.getpid() < 20


def test_a_command_runs_and_its_end_is_known(place: Place) -> None:
    assert _shell(place, "echo out; echo err >&2; exit 3") == (3, "out\nerr\n")
    with pytest.raises(CommandMissing):
        place.run(Command(("/no/such/program",), timedelta(seconds=5), ENVIRONMENT, Path("/")))


def test_what_runs_in_a_place_is_no_slower_than_it_would_be_live(place: Place) -> None:
    assert int(_shell(place, "nice")[1]) == os.getpriority(os.PRIO_PROCESS, 0)


def test_a_command_that_hangs_is_ended(place: Place) -> None:
    with pytest.raises(CommandTimedOut):
        _shell(place, "sleep 60", limit_s=0.5)


def test_a_server_inside_is_started_reached_and_ended(place: Place, tmp_path: Path) -> None:
    script = (
        "import http.server; s = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler);"
        "print(s.server_port, flush=True); s.serve_forever()"
    )
    log = tmp_path / "place" / "notes" / "server.out"
    argv = ("/usr/bin/env", "python3", "-c", script)
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no /usr/bin/python3 for a server inside")
    child = place.start(Command(argv, timedelta(seconds=30), ENVIRONMENT, tmp_path / "place" / "notes"), log)
    deadline = time.monotonic() + 15
    while not log.read_text().strip() and time.monotonic() < deadline:
        assert place.exit_code(child) is None
    port = int(log.read_text().split()[0])
    assert place.fetch(port, "/nothing-here").status == 404
    assert place.greeting(port) == b""
    assert place.end(child, timedelta(seconds=5)) == -signal.SIGTERM
    assert place.exit_code(child) == -signal.SIGTERM
    assert place.fetch(port, "/").status == 0


def test_the_stand_in_model_listens_inside(place: Place) -> None:
    assert place.fetch(int(place.model.base_url.rsplit(":", 1)[1].split("/")[0]), "/v1/models").status == 401
    assert place.model.alive


def test_a_program_on_a_terminal_is_watched_until_it_shows_a_pattern(place: Place) -> None:
    command = Command(
        ("/bin/sh", "-c", "test -t 0 && echo on a terminal; sleep 30"), timedelta(seconds=10), ENVIRONMENT, Path("/")
    )
    assert place.on_terminal(command, ("nothing", "on a terminal")).matched == 1
    ends = Command(("/bin/true",), timedelta(seconds=10), ENVIRONMENT, Path("/"))
    screen = place.on_terminal(ends, ("never",))
    assert (screen.matched, screen.ended) == (None, True)


def test_a_place_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    places = LinuxPlaces(ProcessRunner({}), tmp_path / "trial")
    site = _site(tmp_path, Seal.SEALED)
    beyond = Site(**{**vars(site), "shows": (Show(tmp_path / "absent", Path("/opt/absent")),)})
    if places.seal() is Seal.SEALED:
        with pytest.raises(PlaceLost) as lost, places.open(beyond):
            pass
        assert "absent" in lost.value.why


TOOL = """
import signal, sys
from datetime import timedelta
from pathlib import Path
from tests.adapters.test_seal import ENVIRONMENT, Unsealed, _site
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.adapters.place.seal import LinuxPlaces
from upgrader.domain.canary.report import Seal
from upgrader.domain.ports import Command
root, seal = Path(sys.argv[1]), Seal(sys.argv[2])
places = (LinuxPlaces if seal is Seal.SEALED else Unsealed)(ProcessRunner({}), root / "trial")
with places.open(_site(root, seal)) as place:
    script = f"(setsid sleep 1000.{sys.argv[3]} &) ; sleep 1000.{sys.argv[3]}"
    place.start(Command(("/bin/sh", "-c", script), timedelta(0), ENVIRONMENT, Path("/")), root / "place/notes/out")
    print("up", flush=True)
    signal.pause()
"""


def _sleepers(mark: str) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if f"1000.{mark}" in " ".join(p.info["cmdline"] or [])[:40]]


@pytest.mark.parametrize("seal", [Seal.SEALED, Seal.UNSEALED], ids=["sealed", "unsealed"])
def test_nothing_outlives_a_tool_that_is_killed(seal: Seal, tmp_path: Path) -> None:
    if seal is Seal.SEALED and LinuxPlaces(ProcessRunner({}), tmp_path / "trial").seal() is not Seal.SEALED:
        pytest.skip("this machine permits no namespaces")
    mark = str(os.getpid())
    arguments = (sys.executable, "-c", TOOL, str(tmp_path), seal.value, mark)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as tool:
        assert tool.stdout is not None
        assert tool.stdout.readline() == b"up\n"
        wait_until(lambda: len(_sleepers(mark)) >= 2, "both that sleep")
        tool.kill()
    wait_until(lambda: not _sleepers(mark), "the end of both", 10)
