"""The canary's ratios on the real OpenClaw, both sides in one run: scripts/bench --canary [FROM TO].

Time to verdict against a cold start of the present gateway; the live gateway's answers with and without a canary beside it;
the most disk a canary took, against the size of the state.
"""

import os
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.canary.bench import Bench, slot
from tests.real.installs import install
from tests.real.worlds import real_world
from tests.world.node import find_node
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.adapters.canary.stub_model import serve
from upgrader.domain.canary.report import CanaryRun
from upgrader.domain.check import Verdict

_QUIET_S = 20.0  # how long the live gateway is asked without a canary
_EVERY_S = 0.2
_MOMENT = "turned away for a moment"  # a turn that was taken again


class Answers:
    """Milliseconds the live gateway takes to answer, asked a few times a second in the background."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.taken: list[float] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> list[float]:
        """Stop asking; what was measured."""
        self._stop.set()
        self._thread.join()
        return self.taken

    def _ask(self) -> None:
        while not self._stop.wait(_EVERY_S):
            began = time.monotonic()
            with urllib.request.urlopen(self._url, timeout=30) as answer:
                answer.read()
            self.taken.append(1000 * (time.monotonic() - began))


class Most:
    """The most bytes that lay below a directory, looked at once a second."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stop = threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> int:
        """Stop looking; the most that was seen."""
        self._stop.set()
        self._thread.join()
        return self.most

    def _look(self) -> None:
        while not self._stop.wait(1.0):
            self.most = max(self.most, size_of(self._root))


def size_of(root: Path) -> int:
    """Bytes on disk below a directory; what vanishes meanwhile counts nothing."""
    total = 0
    for folder, _, files in os.walk(root):
        for name in files:
            try:
                total += (Path(folder) / name).lstat().st_blocks * 512
            except OSError:
                continue
    return total


def canary(present: str, target: str) -> None:
    """Measure one canary and print its ratios."""
    node = find_node()
    with (
        tempfile.TemporaryDirectory(prefix="upgrader-bench-") as room,
        serve() as model,
        FakeRegistry.serving(StandIn("2026.9.5")) as registry,
    ):
        world = real_world(Path(room) / "machine", node, registry, install(present, node), (model.base_url, model.token))
        try:
            measure(world, Path(room), target)
        finally:
            world.close()


def measure(world: World, room: Path, target: str) -> None:
    """Both sides of each ratio, one after the other, on this world."""
    cold = timed(world.start_gateway)
    alone = Answers(f"http://127.0.0.1:{world.port}/readyz")
    time.sleep(_QUIET_S)
    before = alone.end()
    bench = Bench(world, room / "bench")
    bench.take_snapshot()
    asked, disk = Answers(f"http://127.0.0.1:{world.port}/readyz"), Most(room / "bench" / "canaries")
    began = time.monotonic()
    report = bench.run(slot(install(target, world.node).package, target, world.node.node))
    took, beside, most = time.monotonic() - began, asked.end(), disk.end()
    state = size_of(bench.snapshot_tree)
    print(f"canary {world.version} -> {target}: {report.verdict.value}, {report.seal.value}; load {os.getloadavg()[0]:.1f}")
    for run in (report.candidate, report.control):
        print_refusals(run)
    print(f"cold start of the live gateway: {cold:.1f} s")
    print(f"time to verdict: {took:.1f} s = {took / cold:.2f} x a cold start")
    for step in report.candidate.steps:
        print(f"  {step.began:6.1f} s + {step.seconds:5.1f} s = {step.seconds / cold:.2f} x: {step.name}")
    for name, pick in (("median", statistics.median), ("95th of 100", tail)):
        ratio = pick(beside) / pick(before)
        print(f"live answer, {name}: {pick(beside):.1f} ms beside it = {ratio:.2f} x {pick(before):.1f} ms without")
    print(f"most extra disk: {most / 1e6:.1f} MB = {most / state:.2f} x the state ({state / 1e6:.1f} MB)")


def print_refusals(run: CanaryRun | None) -> None:
    """What a course did not pass, in its own words: a verdict that is not the expected one must be explained here."""
    for judged in run.judgements if run else ():
        if judged.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) or _MOMENT in judged.why:
            print(f"  {run.version if run else ''} {judged.verdict.value} {judged.check}: {judged.why}")


def tail(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[int(0.95 * (len(values) - 1))]


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began
