"""A plan kept in a file: what it was made of, so that it is not carried out on a world that has moved. Pure."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields

from upgrader.domain.decisions.settings import Override
from upgrader.domain.installation.facts import Installation
from upgrader.domain.plan.decision import PlanData
from upgrader.errors import Blocked

_WORDS = {
    "state": "the state directory",
    "present": "the installed release",
    "package": "where the package lies",
    "node": "the Node",
    "config_digest": "the configuration",
    "state_schema": "the state's schema",
    "supervisor": "what keeps the gateway alive",
    "target": "the release to go to",
    "integrity": "the digest of that release in the registry",
    "evidence": "what the table says of this move",
    "rules": "the rules that were overridden",
}


@dataclass(frozen=True)
class World:
    """What a plan was made of, as texts. `evidence` is a digest of the table's statements on this very move."""

    state: str
    present: str
    package: str
    node: str
    config_digest: str
    state_schema: str
    supervisor: str
    target: str
    integrity: str
    evidence: str
    rules: str


@dataclass(frozen=True)
class SavedPlan:
    """`made` is ISO 8601, UTC; `overrides` what a person overrode when it was made, with the reasons."""

    made: str
    world: World
    overrides: tuple[Override, ...] = ()


class PlanStale(Blocked):
    """The world has moved since the plan was made."""

    default_code = "plan_stale"


def world_of(installation: Installation, data: PlanData) -> World:
    """The world of this moment, for the move that `data` decides on."""
    plan = data.plan
    said = "\n".join(f"{one.about}|{one.verdict.value}|{one.concern.value}|{one.sentence}" for one in plan.judged.evidence)
    return World(
        state=str(installation.state.path),
        present=str(plan.present),
        package=str(installation.package.root),
        node=f"{installation.node.path} {installation.node.version}",
        config_digest=installation.config_digest,
        state_schema=str(installation.state.state_schema),
        supervisor=f"{installation.service.kind.value} {installation.service.name}",
        target=str(plan.target),
        integrity=plan.release.integrity if plan.release else "",
        evidence=hashlib.sha256(said.encode()).hexdigest(),
        rules=",".join(sorted(block.rule.value for block in plan.accepted)),
    )


def moved(before: World, now: World) -> tuple[str, ...]:
    """What is not as it was, in words."""
    return tuple(_moved(before, now))


def _moved(before: World, now: World) -> Iterator[str]:
    for each in fields(World):
        was, found = getattr(before, each.name), getattr(now, each.name)
        if was != found:
            what = f"{_WORDS[each.name]} changed"
            told = each.name not in ("config_digest", "evidence", "integrity")
            yield f"{what}: {was or 'none'} → {found or 'none'}" if told else what


def refuse_moved(saved: SavedPlan, now: World) -> None:
    """Raises PlanStale with everything that moved."""
    found = moved(saved.world, now)
    if found:
        raise PlanStale(
            f"the plan of {saved.made[:16]} is no longer about this world",
            why="; ".join(found),
            hint=f"`upgrader plan {saved.world.target} --out FILE` makes it anew",
        )
