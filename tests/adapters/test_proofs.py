"""A kept word of a canary: taken again only for the very same slots, state, seal and questions."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.world.installations import installation_on
from upgrader.adapters.canary.proofs import FileProofs
from upgrader.adapters.clock import SystemClock
from upgrader.domain.canary.own_probes import CanarySettings, OwnProbe
from upgrader.domain.canary.report import Blame, CanaryReport, CanaryRequest, CanaryRun, Extra, Seal
from upgrader.domain.check import Judgement, Verdict
from upgrader.domain.installation.facts import AuthFacts, NodeRuntime
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Moment, Snapshot
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.operations.canary.kept import KeepingCanary
from upgrader.services.openclaw.places.sameness import EXCLUSIONS

NODE = NodeRuntime(Path("/node"), "24")
REPORT = CanaryReport(
    Verdict.PASS, Seal.SEALED, CanaryRun("2026.9.6", (Judgement("doctor", Verdict.PASS, "well"),), 3.0), blame=Blame.NONE
)


def slot(version: str) -> Slot:
    return Slot(version, Version(version), SlotOrigin.STAGED, Path("/slot"), NODE, digest=f"digest of {version}")


@pytest.fixture
def request_(tmp_path: Path) -> CanaryRequest:
    tree = tmp_path / "snapshot" / "tree"
    tree.mkdir(parents=True)
    (tree / "openclaw.json").write_text("{}")
    snapshot = Snapshot("a", "", Moment.LIVE, Version("2026.9.5"), "x", tree, 1, 2, "first")
    return CanaryRequest(installation_on(Path("/s")), snapshot, slot("2026.9.6"), slot("2026.9.5"))


def proofs(root: Path, settings: CanarySettings | None = None) -> FileProofs:
    return FileProofs(root / "proofs", EXCLUSIONS, SystemClock(), settings or CanarySettings(), lambda _: (root / "plugin",))


def later(request: CanaryRequest, tmp_path: Path, text: str = "{}") -> CanaryRequest:
    """The same on a snapshot taken later."""
    tree = tmp_path / "later" / "tree"
    shutil.copytree(request.snapshot.tree, tree)
    (tree / "openclaw.json").write_text(text)
    (tree / "update-check.json").write_text("what a gateway writes meanwhile")
    return replace(request, snapshot=replace(request.snapshot, id="b", tree=tree, digest="second"))


def test_a_kept_word_comes_back_with_its_time_on_a_state_that_says_the_same(request_: CanaryRequest, tmp_path: Path) -> None:
    proofs(tmp_path).keep(request_, REPORT)
    found = proofs(tmp_path).find(later(request_, tmp_path), Seal.SEALED)
    assert found is not None
    assert found.proven.startswith("20")
    assert replace(found, proven="") == REPORT


def test_another_state_slot_seal_or_question_is_proven_anew(request_: CanaryRequest, tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.write_text("one")
    script = tmp_path / "script.py"
    script.write_text("one")
    asked = CanarySettings(probes=(OwnProbe("mine", (str(probe),)), OwnProbe("scripted", ("/bin/sh", str(script)))))
    proofs(tmp_path, asked).keep(request_, REPORT)
    find = proofs(tmp_path, asked).find
    assert find(request_, Seal.SEALED) is not None
    assert find(later(request_, tmp_path, '{"gateway": {}}'), Seal.SEALED) is None
    assert find(replace(request_, candidate=replace(request_.candidate, digest="another")), Seal.SEALED) is None
    assert find(replace(request_, present=slot("2026.9.4")), Seal.SEALED) is None
    assert find(replace(request_, extras=frozenset({Extra.FRESH})), Seal.SEALED) is None
    assert find(request_, Seal.UNSEALED) is None
    assert proofs(tmp_path).find(request_, Seal.SEALED) is None
    probe.write_text("two")
    assert find(request_, Seal.SEALED) is None
    probe.write_text("one")
    script.write_text("two")
    assert find(request_, Seal.SEALED) is None


@pytest.mark.parametrize("what", ["config", "token", "plugin"])
def test_what_counts_and_lies_outside_the_state_is_proven_anew_when_it_changed(
    request_: CanaryRequest, tmp_path: Path, what: str
) -> None:
    proofs(tmp_path).keep(request_, REPORT)
    assert proofs(tmp_path).find(request_, Seal.SEALED) is not None
    found = request_.installation
    if what == "plugin":
        (tmp_path / "plugin").mkdir()
        (tmp_path / "plugin" / "index.js").write_text("another")
    changed = {"config": {"config_digest": "x"}, "token": {"auth": AuthFacts("token", Secret("t"))}, "plugin": {}}[what]
    later_on = replace(request_, installation=replace(found, **changed))  # type: ignore[arg-type]
    assert proofs(tmp_path).find(later_on, Seal.SEALED) is None


def test_a_wider_trial_proves_a_narrower_one(request_: CanaryRequest, tmp_path: Path) -> None:
    proofs(tmp_path).keep(replace(request_, extras=frozenset({Extra.FRESH})), REPORT)
    assert proofs(tmp_path).find(request_, Seal.SEALED) is not None


def test_a_file_of_another_form_is_no_proof(request_: CanaryRequest, tmp_path: Path) -> None:
    proofs(tmp_path).keep(request_, REPORT)
    for file in (tmp_path / "proofs").iterdir():
        file.write_text('{"about": 1}')
    assert proofs(tmp_path).find(request_, Seal.SEALED) is None


@dataclass(frozen=True)
class Said:
    """A canary that says this, while something is done meanwhile."""

    report: CanaryReport
    meanwhile: Callable[[], object] = list

    def run(self, request: CanaryRequest) -> CanaryReport:  # noqa: ARG002 - the port's signature
        """Say it."""
        self.meanwhile()
        return self.report


@pytest.mark.parametrize("how", ["could not be judged", "code of a person's own changed meanwhile"])
def test_a_word_that_no_longer_stands_is_taken_away(request_: CanaryRequest, tmp_path: Path, how: str) -> None:
    kept = proofs(tmp_path)
    KeepingCanary(Said(REPORT), kept).run(request_)
    assert kept.find(request_, Seal.SEALED) is not None
    unclear = Said(replace(REPORT, verdict=Verdict.INCONCLUSIVE))
    changing = Said(REPORT, lambda: (tmp_path / "plugin").write_text("another"))
    KeepingCanary(unclear if how == "could not be judged" else changing, kept).run(request_)
    assert kept.find(request_, Seal.SEALED) is None
