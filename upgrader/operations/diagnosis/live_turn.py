"""The live checks and, where the person asked for it, one real agent turn on top."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from upgrader.domain.canary.turns import MOMENTS
from upgrader.domain.check import Judgement, Verdict
from upgrader.domain.installation.facts import Installation
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.ports import Clock, Command, Progress, Runner, Verifier
from upgrader.domain.process import CommandMissing, CommandTimedOut

CHECK = "live.turn"
_SAID = 200  # characters shown of what a failed turn printed


@dataclass(frozen=True)
class TurnWords:
    """How a turn is asked for: agent and argument list of an installation, and its limit.

    `ran_embedded(said)`: no gateway ran it. `is_passing(said)`: it was turned away by what is over a moment later.
    """

    arguments: Callable[[Installation], tuple[str, ...]]
    limit: timedelta
    ran_embedded: Callable[[str], bool]
    is_passing: Callable[[str], bool]
    redacted: Callable[[str], str]


@dataclass(frozen=True)
class ChecksWithTurn:
    """Port Verifier: the same list, then a turn. It costs the person what a short question to their model costs."""

    checks: Verifier
    runner: Runner
    words: TurnWords
    argv: Callable[[Installation, tuple[str, ...]], tuple[str, ...]]
    environment: Callable[[Installation], Mapping[str, str]]
    progress: Progress
    clock: Clock

    def check(self, installation: Installation) -> LiveReport:
        """One pass over the list, and the turn where a gateway runs."""
        report = self.checks.check(installation)
        if not report.observation.running:
            return report
        with self.progress.step("asking an agent for a real turn"):
            return replace(report, judgements=(*report.judgements, self._settled(installation)))

    def _settled(self, installation: Installation) -> Judgement:
        """The turn, taken again a moment later while another process of OpenClaw turns it away."""
        judged, said = self._turn(installation)
        for moment in MOMENTS:
            if judged.verdict is not Verdict.FAIL or not self.words.is_passing(said):
                break
            self.clock.wait(moment)
            judged, said = self._turn(installation)
        return judged

    def _turn(self, installation: Installation) -> tuple[Judgement, str]:
        argv = self.argv(installation, self.words.arguments(installation))
        command = Command(argv, self.words.limit, self.environment(installation), installation.home)
        try:
            ran = self.runner.run(command)
        except CommandTimedOut as error:
            return Judgement(CHECK, Verdict.FAIL, error.message), ""
        except CommandMissing as error:
            return Judgement(CHECK, Verdict.INCONCLUSIVE, error.why), ""
        said = (ran.stdout + ran.stderr).decode(errors="replace")
        return self._judged(ran.exit_code, said), said

    def _judged(self, exit_code: int, said: str) -> Judgement:
        if self.words.ran_embedded(said):
            return Judgement(CHECK, Verdict.FAIL, "the command line gave up on the gateway and ran the turn by itself")
        if exit_code:
            last = " ".join(said.split())[-_SAID:]
            return Judgement(CHECK, Verdict.FAIL, f"the turn ended with exit code {exit_code}: {self.words.redacted(last)}")
        return Judgement(CHECK, Verdict.PASS, "an agent answered through the gateway")
