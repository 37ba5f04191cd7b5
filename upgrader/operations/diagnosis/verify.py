"""The live checks: one identical list before, after and on the way back; it changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from upgrader.domain.check import Judgement, Verdict, overall
from upgrader.domain.diagnosis.cause import ClientLine
from upgrader.domain.installation.facts import Installation
from upgrader.domain.outcome import Failure, Outcome, Status
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.pairing.observation import Observation
from upgrader.domain.ports import Discovery, Observer, Progress, Verifier
from upgrader.domain.told import HandCheck, HandData, VerifyData
from upgrader.domain.version import Version
from upgrader.errors import Blocked, Inconclusive


@dataclass(frozen=True)
class LiveChecks:
    """Port Verifier: observe, then judge by the rules of the release that runs."""

    observer: Observer
    judge: Callable[[Observation, Version], tuple[Judgement, ...]]

    def check(self, installation: Installation) -> LiveReport:
        """One pass over the list."""
        seen = self.observer.observe(installation)
        return LiveReport(seen, self.judge(seen, installation.package.version))


@dataclass(frozen=True)
class Verify:
    """`upgrader verify`."""

    discovery: Discovery
    checks: Verifier
    lines: Callable[[Observation, Version], tuple[ClientLine, ...]]
    hand_checks: Callable[[Version], tuple[HandCheck, ...]]
    progress: Progress

    def by_hand(self) -> Outcome[HandData]:
        """`--print`: OpenClaw's own commands for the release that is installed. Runs none of them."""
        version = self.discovery.find().package.version
        return Outcome("verify", HandData(str(version), self.hand_checks(version)))

    def run(self) -> Outcome[VerifyData]:
        """0 all well, 3 a required check failed, 7 one could not be judged."""
        installation = self.discovery.find()
        with self.progress.step("checking pairing, handshakes, a real call and the log"):
            report = self.checks.check(installation)
        version = installation.package.version
        clients = self.lines(report.observation, version)
        data = VerifyData(str(version), installation.is_running, report.judgements, clients)
        failed = tuple(
            Failure(each.check, each.why, hint=each.remedy) for each in report.judgements if each.verdict is Verdict.FAIL
        )
        match overall(report.judgements):
            case Verdict.FAIL:
                return Outcome("verify", data, Status.FAILED, Blocked.exit_code, failed)
            case Verdict.INCONCLUSIVE:
                return Outcome("verify", data, Status.INCONCLUSIVE, Inconclusive.exit_code)
        return Outcome("verify", data)
