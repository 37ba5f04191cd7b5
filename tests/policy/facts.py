"""Builders of facts for policy tests: a healthy machine, changed in one point by each test."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from tests.world.installations import installation_on, installed_at, state_at
from upgrader.domain.installation.facts import (
    GatewayProcess,
    Installation,
    InstallKind,
    NodeRuntime,
    ProcessIdentity,
    Service,
    SupervisorKind,
)
from upgrader.domain.plan.facts import Candidate, PlanFacts, Reach, Use, Volume
from upgrader.domain.plan.release import Release
from upgrader.domain.table.concern import Circumstances
from upgrader.domain.table.evidence import Entry, Table, Verdict
from upgrader.domain.version import Version

TODAY = date(2026, 11, 21)
PRESENT = "2026.9.5"
TARGET = "2026.9.6"
GIB = 1024**3


def installation(version: str = PRESENT, node: str = "24.19.0", kind: InstallKind = InstallKind.NPM_GLOBAL) -> Installation:
    """A running gateway of `version` as a systemd user unit, its databases at the schemas of the usual candidate."""
    prefix = Path("/home/user/.npm-global")
    root, state = prefix / "lib/node_modules/openclaw", Path("/home/user/.openclaw")
    agents = ((Path("agents/main/agent.sqlite"), 23),)
    return installation_on(
        state,
        package=replace(installed_at(root, version, prefix), kind=kind),
        node=NodeRuntime(Path("/usr/bin/node"), node),
        state=state_at(state, 1000, state_schema=18, agent_schemas=agents, size_bytes=200 * 1024**2, files=900),
        service=Service(SupervisorKind.SYSTEMD_USER, "openclaw-gateway.service"),
        gateways=(GatewayProcess(ProcessIdentity(4242, 1.0), 1000, None, root, state, (18789,)),),
    )


def candidate(version: str = TARGET, reach: Reach | None = None, engines: str = ">=24.16.0 <25") -> Candidate:
    """A release as the registry has it, with all its facts."""
    return Candidate(Release(Version(version), engines, "sha512-x"), reach or Reach(18, 23), install_bytes=1_300_000_000)


def facts(present: str = PRESENT, *candidates: Candidate) -> PlanFacts:
    """A healthy machine on `present` with room for all and a private Node to be had."""
    return PlanFacts(
        installation(present),
        TODAY,
        Circumstances("linux", "24.19.0", "npm-global", (), ()),
        candidates or (candidate(),),
        volumes=(Volume("the disk", (Use.STATE, Use.DATA), 100 * GIB),),
        private_node="24.19.0",
    )


def entry(version: str = TARGET, verdict: Verdict = Verdict.GOOD, sentence: str = "It works for those who tried.") -> Entry:
    """An entry of the table."""
    return Entry(Version(version), verdict, sentence, sources=("openclaw/openclaw#1",))


def table(*entries: Entry) -> Table:
    """A table in which the present and the target are good, unless an entry given here says otherwise."""
    given = {one.version for one in entries}
    rest = tuple(one for one in (entry(PRESENT), entry(TARGET)) if one.version not in given)
    return Table(tuple(sorted((*entries, *rest), key=lambda one: one.version)), "a test")


def with_state(base: PlanFacts, schema: int | None, *agents: int) -> PlanFacts:
    """The same machine with databases at these schemas."""
    databases = tuple((Path(f"agents/{index}/agent.sqlite"), version) for index, version in enumerate(agents))
    state = replace(base.installation.state, state_schema=schema, agent_schemas=databases)
    return with_installation(base, replace(base.installation, state=state))


def with_installation(base: PlanFacts, changed: Installation) -> PlanFacts:
    """The same facts about another installation."""
    return replace(base, installation=changed)
