"""A person's own programs against a running canary."""

from collections.abc import Mapping
from dataclasses import replace

from upgrader.domain.canary.enclosure import Site
from upgrader.domain.canary.own_probes import OwnProbe, OwnProbeRan
from upgrader.domain.ports import Command
from upgrader.domain.process import CommandMissing, CommandTimedOut
from upgrader.domain.said import last_words
from upgrader.operations.canary.site import Grounds
from upgrader.operations.canary.tools import CourseTools


def run_own_probes(tools: CourseTools, at: Grounds, environment: Mapping[str, str]) -> tuple[OwnProbeRan, ...]:
    """Each in turn, with the canary's environment: `openclaw` on its PATH, the gateway at UPGRADER_CANARY_URL.

    UPGRADER_CANARY_WORD is a fresh word to say to an agent: it lies in the clone's state then, and nowhere else.
    """
    given, found = by_hand(at.site, at.port, environment), []
    for probe in tools.own_probes:
        word, began = tools.nonce(), tools.clock.now().timestamp()
        named = {**given, "UPGRADER_CANARY_WORD": word}
        with tools.progress.step(f"your own probe on the clone: {probe.name}"):
            ran = _run(at, probe, named)
        found.append(replace(ran, proven=bool(tools.clones.mentions(at.site.state, (word,), began))))
    return tuple(found)


def by_hand(site: Site, port: int, environment: Mapping[str, str]) -> dict[str, str]:
    """What a person gets who works in a canary by hand."""
    return {
        **environment,
        "PATH": f"{site.commands}:{environment['PATH']}",
        "OPENCLAW_GATEWAY_PORT": str(port),
        "UPGRADER_CANARY_URL": f"ws://127.0.0.1:{port}",
    }


def _run(at: Grounds, probe: OwnProbe, environment: Mapping[str, str]) -> OwnProbeRan:
    try:
        ran = at.place.run(Command(probe.argv, probe.limit, environment, at.site.shown_home))
    except (CommandTimedOut, CommandMissing) as error:
        return OwnProbeRan(probe, None, f"{error.message}: {error.why}")
    return OwnProbeRan(probe, ran.exit_code, at.redactor.shown(last_words(ran.stdout + b"\n" + ran.stderr)))
