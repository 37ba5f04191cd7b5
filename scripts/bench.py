"""Ratios of one run: starting, outages against a bare restart, `plan` against its peers, snapshots against cp and rsync.

A ratio is fair on a loaded machine as long as both of its sides ran in the same minutes; the seconds are printed beside it.
"""

import compileall
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from upgrader import __file__ as upgrader_package
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.kept.snapshots import FileSnapshots
from upgrader.context import Machine
from upgrader.context.choices import Options
from upgrader.context.finding import Finder, discovery
from upgrader.services.openclaw.places import paths

FILES, LARGE = 14_000, 16  # as the state that was measured by hand: 14,200 files, 816 MB
ROUNDS = 3
PLAN_ROUNDS = 10


def main() -> None:
    """Run what was asked for and print one line a ratio."""
    if "--canary" in sys.argv:
        from bench_canary import canary  # needs the tests' own worlds

        named = [word for word in sys.argv[1:] if not word.startswith("-")]
        canary(*(named if len(named) == 2 else ("2026.9.5", "2026.9.6")))
        return
    with tempfile.TemporaryDirectory(prefix="upgrader-bench-", dir=os.environ.get("TMPDIR")) as room:
        startup()
        if "--plans" in sys.argv:
            plans(Path(sys.argv[sys.argv.index("--plans") + 1]).absolute())
            return
        if "--skip-demo" not in sys.argv:
            outages(Path(room) / "demo")
        snapshots(Path(room))


def outages(directory: Path) -> None:
    """The demo's own figures: every side ran on the same machine, one after the other."""
    command = (sys.executable, "-m", "upgrader", "--json", "demo", str(directory), "--keep")
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if ran.returncode:
        sys.exit(f"the demo ended with {ran.returncode}")
    figures = dict(json.loads(ran.stdout)["data"]["outages"])
    bare = figures.pop("bare restart")
    print(f"bare restart of the gateway: {bare:.1f} s")
    for name, seconds in figures.items():
        print(f"outage, {name}: {seconds:.1f} s = {seconds / bare:.2f} x a bare restart")
    plans(directory / "home")
    compiled_code(directory)


def compiled_code(directory: Path) -> None:
    """CPU of the candidate's doctor with and without what Node has compiled before, in empty homes of its own."""
    data = directory / "home/.local/share/openclaw-upgrader"
    entry = next((data / "slots").glob("*/**/node_modules/openclaw/openclaw.mjs"))
    node = next((data / "nodes").glob("*/**/node"))
    room = Path(tempfile.mkdtemp(prefix="upgrader-bench-", dir=directory))

    def doctor(name: str) -> float:
        environment = {"HOME": str(room / name), "PATH": f"{node.parent}:/usr/bin:/bin", "TMPDIR": str(room)}
        environment |= {"XDG_RUNTIME_DIR": str(room / "none"), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={room}/none/bus"}
        (room / name).mkdir()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run((str(node), str(entry), "doctor", "--fix", "--non-interactive"), environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    cold, warm = doctor("first"), min(doctor("second"), doctor("third"))
    print(f"doctor of the candidate: {warm:.1f} s CPU with compiled code, {cold:.1f} s without = {warm / cold:.2f} x")


def startup() -> None:
    """What the command line takes before it does anything, against Python doing nothing."""
    bare, version, usage = best_of(
        lambda: run((sys.executable, "-c", "pass")),
        lambda: run((upgrader(), "--version")),
        lambda: run((upgrader(), "--help")),
    )
    print(f"upgrader --version: {version:.3f} s = {version / bare:.1f} x `python -c pass` ({bare:.3f} s); limit 3")
    print(f"upgrader --help: {usage:.3f} s = {usage / bare:.1f} x `python -c pass`")


def plans(home: Path) -> None:
    """`plan` cold and warm against `npm view openclaw version` and `openclaw update --dry-run`, in turn, the middle of ten.

    Cold: the cache is removed before each, upgrader's and npm's; npm with the cache a person has is told beside it. `home`
    has `.npm-global`.
    """
    machine = Machine.here()
    places = f"{home}/.npm-global/bin:{machine.environment['PATH']}"
    environment = {**machine.environment, "HOME": str(home), "PATH": places, "npm_config_prefix": f"{home}/.npm-global"}
    npm, openclaw = shutil.which("npm", path=places), shutil.which("openclaw", path=places)
    if npm is None or openclaw is None:
        print("plan: there is no npm or no openclaw to compare with")
        return

    def cold() -> None:
        shutil.rmtree(home / ".cache" / "openclaw-upgrader", ignore_errors=True)
        run((upgrader(), "plan"), environment)

    def cold_npm() -> None:
        with tempfile.TemporaryDirectory() as empty:
            run((npm, "view", "openclaw", "version"), {**environment, "npm_config_cache": empty})

    compileall.compile_dir(str(Path(upgrader_package).parent), quiet=1)  # as pip does when it installs; a checkout has it not
    first, again, view_cold, view, dry = middle_of(
        cold,
        lambda: run((upgrader(), "plan"), environment),
        cold_npm,
        lambda: run((npm, "view", "openclaw", "version"), environment),
        lambda: run((openclaw, "update", "--dry-run"), environment),
    )
    print(f"plan, cold: {first:.2f} s = {first / view_cold:.2f} x `npm view openclaw version` ({view_cold:.2f} s); limit 0.5")
    print(f"plan, cold: {first:.2f} s = {first / view:.2f} x the same with a warm cache ({view:.2f} s)")
    print(f"plan, warm: {again:.2f} s = {again / dry:.3f} x `openclaw update --dry-run` ({dry:.2f} s); limit 0.1")


def snapshots(room: Path) -> None:
    """First and second snapshot of a synthetic state against `cp -a` and `rsync --link-dest`."""
    home = room / "home"
    state = synthetic(home / ".openclaw")
    machine = Machine.apart(home, {"HOME": str(home), "PATH": os.environ["PATH"]})
    prefix = room / "prefix/lib/node_modules/openclaw"
    prefix.mkdir(parents=True)
    (prefix / "package.json").write_text('{"name": "openclaw", "version": "2026.9.5"}')
    options = Options(prefix=str(room / "prefix"))
    found = Finder(discovery(machine), machine.selection(options)).find()
    kept = FileSnapshots(room / "kept", lambda path: paths.classify(found.state.era, path), SystemClock())
    copy = timed(lambda: run(("cp", "-a", str(state), str(room / "copy"))))
    first = timed(lambda: kept.take(found, "bench", "first"))
    second = timed(lambda: kept.take(found, "bench", "second"))
    print(f"first snapshot, verified: {first:.2f} s = {first / copy:.2f} x `cp -a` ({copy:.2f} s)")
    if shutil.which("rsync") is None:
        print(f"second snapshot: {second:.2f} s; rsync is not installed")
        return
    rsync = ("rsync", "-a", f"--link-dest={room / 'copy'}", f"{state}/", str(room / "linked"))
    linked = timed(lambda: run(rsync))
    print(f"second snapshot, verified: {second:.2f} s = {second / linked:.2f} x `rsync --link-dest` ({linked:.2f} s)")


def synthetic(state: Path) -> Path:
    """A state of many small files and some large ones, of random bytes."""
    block = os.urandom(1 << 20)
    for number in range(FILES):
        file = state / "agents" / f"a{number % 40}" / "sessions" / f"{number}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(block[number : number + 20_000])
    (state / "media").mkdir()
    for number in range(LARGE):
        (state / "media" / f"{number}.bin").write_bytes(block * 32)
    (state / "openclaw.json").write_text("{}")
    return state


def run(argv: tuple[str, ...], environment: dict[str, str] | None = None) -> None:
    """Run a command to its end, silently; it must work."""
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def best_of(*works: Callable[[], object]) -> tuple[float, ...]:
    """The least seconds of each, the works in turn, so that all of them had the machine in the same minutes."""
    for work in works:
        work()
    rounds = [[timed(work) for work in works] for _ in range(ROUNDS)]
    return tuple(min(each) for each in zip(*rounds, strict=True))


def middle_of(*works: Callable[[], object]) -> tuple[float, ...]:
    """The middle seconds of each of `PLAN_ROUNDS`, the works in turn."""
    rounds = [[timed(work) for work in works] for _ in range(PLAN_ROUNDS)]
    return tuple(statistics.median(each) for each in zip(*rounds, strict=True))


def upgrader() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("upgrader"))


if __name__ == "__main__":
    main()
