"""Canaries whose word is kept, and taken again while neither slot nor state has changed."""

from dataclasses import dataclass

from upgrader.domain.canary.enclosure import Places
from upgrader.domain.canary.ports import Canaries, Proofs
from upgrader.domain.canary.report import CanaryReport, CanaryRequest
from upgrader.domain.check import Verdict


@dataclass(frozen=True)
class KeepingCanary:
    """Port Canaries: runs, and keeps what it says. What could not be judged is not kept, and takes an older word away."""

    canaries: Canaries
    proofs: Proofs

    def run(self, request: CanaryRequest) -> CanaryReport:
        """Run it."""
        before = self.proofs.about(request)
        report = self.canaries.run(request)
        if report.verdict is Verdict.INCONCLUSIVE or self.proofs.about(request) != before:  # something changed meanwhile
            self.proofs.forget(request)
        else:
            self.proofs.keep(request, report)
        return report


@dataclass(frozen=True)
class RememberingCanary:
    """Port Canaries: takes a kept word while slot and state are those it was about, else runs."""

    canaries: KeepingCanary
    places: Places

    def run(self, request: CanaryRequest) -> CanaryReport:
        """The kept report of this very move, or a new one. A kept failure is tried again: it may have been the machine."""
        kept = self.canaries.proofs.find(request, self.places.seal())
        return kept if kept is not None and kept.verdict is Verdict.PASS else self.canaries.run(request)
