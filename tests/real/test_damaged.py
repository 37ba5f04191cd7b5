"""Damaged packages of the real 2026.9.6: each fails for its own reason, is laid on the release, and leaves nothing.

A damaged package is a hard-linked copy of the whole one; one file is left out, or gets a line before its own.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.canary.bench import Bench, judged, sealed_bench, slot
from tests.real.conftest import Installed
from tests.real.worlds import real_world
from tests.world.node import NodeHome
from tests.world.registry import FakeRegistry
from upgrader.adapters.canary.stub_model import StubModel
from upgrader.domain.canary.course import Budgets
from upgrader.domain.canary.report import Blame
from upgrader.domain.check import Need, Verdict

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(900)]

ENTRY = "dist/entry.js"
GATEWAY = 'process.argv.includes("gateway")'
FOR_EVER = "await new Promise(() => setInterval(() => {}, 1000));"
ENDS_ONCE_READY = """
const { readFileSync } = await import("node:fs");
const { port } = JSON.parse(readFileSync(process.env.OPENCLAW_CONFIG_PATH, "utf8")).gateway;
const look = setInterval(async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
  if (answer?.status === 200) { clearInterval(look); setTimeout(() => process.exit(7), 1500); }
}, 200);
"""
NO_SOCKETS = """
const { Server } = await import("node:http");
const { emit } = Server.prototype;
Server.prototype.emit = function (event, request, socket, ...rest) {
  if (event === "upgrade") { socket.destroy(); return true; }
  return emit.call(this, event, request, socket, ...rest);
};
"""
SHORT = {
    "ready": timedelta(seconds=100),
    "doctor": timedelta(seconds=60),
    "turn": timedelta(seconds=90),
    "terminal": timedelta(seconds=60),
}


@pytest.fixture(scope="module")
def bench(
    node_home: NodeHome, stub_model: StubModel, installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """One state of 2026.9.5, one snapshot and one control for all damages."""
    root = tmp_path_factory.mktemp("damaged")
    with FakeRegistry.serving() as registry:
        model = (stub_model.base_url, stub_model.token)
        world = real_world(root / os.urandom(4).hex(), node_home, registry, installed("2026.9.5"), model)
        try:
            yield sealed_bench(world, root / "bench")
        finally:
            world.close()


def damaged(whole: Path, package: Path, line: str) -> Path:
    """A copy of the package whose entry begins with `line`, or has no entry at all."""
    shutil.copytree(whole, package, symlinks=True, copy_function=os.link)
    entry = package / ENTRY
    text = entry.read_text()
    entry.unlink()  # it is shared with the whole one
    if line:
        first, _, rest = text.partition("\n")  # which says what runs it
        entry.write_text(f"{first}\n{line}\n{rest}")
    return package


@pytest.mark.parametrize(
    ("line", "check", "said"),
    [
        ("", "doctor", "dist/entry"),
        (f'if ({GATEWAY}) throw new Error("cannot read the plan");', "gateway.ready", "cannot read the plan"),
        (f"if ({GATEWAY}) {{ {FOR_EVER} }}", "gateway.ready", "was not ready in time"),
        (f"if ({GATEWAY}) {{ {ENDS_ONCE_READY} }}", "gateway.stays", "was ready and then ended with 7"),
        (f'if (process.argv.includes("doctor")) {{ {FOR_EVER} }}', "doctor", "did not end in time"),
        (f"if ({GATEWAY}) {{ {NO_SOCKETS} }}", "turn.plain", "gateway"),
    ],
    ids=["a file is missing", "throws", "never ready", "ready and exits", "hangs in the doctor", "closes every connection"],
)
def test_a_damaged_real_release_fails_for_its_own_reason(
    bench: Bench, installed: Installed, tmp_path: Path, line: str, check: str, said: str
) -> None:
    waits = FOR_EVER in line or NO_SOCKETS in line
    patient = replace(bench, budgets=replace(Budgets.for_state(0), **SHORT) if waits else None)
    package = damaged(installed("2026.9.6").package, tmp_path / "node_modules" / "openclaw", line)
    report = patient.run(slot(package, "2026.9.6", bench.world.node.node))
    print([(j.check, j.why) for j in report.candidate.judgements if j.verdict is not Verdict.PASS and j.need is Need.REQUIRED])
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert judged(report, check).verdict is Verdict.FAIL
    assert said in judged(report, check).why
    assert list((bench.root / "canaries").iterdir()) == []
