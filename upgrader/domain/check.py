"""Probes gather, checks judge. A judgement is pass, fail or inconclusive, with its reason and its remedy."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """The three answers of a check, and `not_applicable` where the user's own policy forbids the probe."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"


class Need(Enum):
    """A required check decides; a wanted one is only told."""

    REQUIRED = "required"
    WANTED = "wanted"


@dataclass(frozen=True)
class Judgement:
    """What one check said. `check` is its stable name (`pairing.token-equal`), `why` and `remedy` are sentences.

    `about` names what it concerns, alike in every run on one state (devices, checks): two failures are the same only when
    they concern the same.
    """

    check: str
    verdict: Verdict
    why: str
    remedy: str = ""
    need: Need = Need.REQUIRED
    about: tuple[str, ...] = ()


def overall(judgements: tuple[Judgement, ...]) -> Verdict:
    """One verdict of many: a required failure beats a required inconclusive, which beats pass; wanted ones never decide."""
    required = [j.verdict for j in judgements if j.need is Need.REQUIRED]
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in required:
            return verdict
    return Verdict.PASS if required else Verdict.INCONCLUSIVE


def loosest(first: tuple[Judgement, ...], second: tuple[Judgement, ...]) -> tuple[Judgement, ...]:
    """For every check the worse of two moments: what may be expected of a place that was once seen in either."""
    worst = {each.check: each for each in first}
    for each in second:
        known = worst.get(each.check)
        if known is None or _RANK[each.verdict] > _RANK[known.verdict]:
            worst[each.check] = each
    return tuple(worst.values())


def worse_than(before: tuple[Judgement, ...], after: tuple[Judgement, ...]) -> tuple[Judgement, ...]:
    """The judgements of `after` that are worse than the same check said `before`: what this change is to blame for.

    A fault that was there before is not the upgrade's, unless it concerns more now. A check unknown before counts as having
    passed.
    """
    earlier = {j.check: j for j in before}
    return tuple(j for j in after if j.need is Need.REQUIRED and _is_worse(earlier.get(j.check), j))


def _is_worse(before: Judgement | None, after: Judgement) -> bool:
    if before is None or before.verdict is not after.verdict:
        return _RANK[after.verdict] > (_RANK[before.verdict] if before else 0)
    return after.verdict is Verdict.FAIL and bool(before.about) and not set(after.about) <= set(before.about)


_RANK = {Verdict.PASS: 0, Verdict.NOT_APPLICABLE: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}
