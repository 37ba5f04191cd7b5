"""Judges whether a canary kept to itself: calls outward, a service manager, live paths. Each with its means. Pure."""

from upgrader.domain.canary.enclosure import Outside
from upgrader.domain.canary.report import Seal
from upgrader.domain.check import Judgement, Need, Verdict

_SHOWN = 8  # of a list that a line names

# What the means of each mode cannot see, for the report.
BLIND = {
    Seal.SEALED: "writes that a read-only mount refused are not seen: they changed nothing",
    Seal.UNSEALED: "not seen: connections and open files shorter than a quarter of a second, datagrams without a connection, "
    "a service manager reached by an address of its own",
}


def judge(outside: Outside, seal: Seal) -> tuple[Judgement, ...]:
    """Sealed, the walls decide and what was tried is told; unsealed, what was seen decides."""
    return (_enforced(outside), *_tried(outside)) if seal is Seal.SEALED else _watched(outside)


def _enforced(outside: Outside) -> Judgement:
    if outside.interfaces == ("lo",):
        return Judgement("silence", Verdict.PASS, "its network had a loopback of its own and nothing else")
    return Judgement("silence", Verdict.FAIL, f"its network had {', '.join(outside.interfaces)}", "run the canary again")


def _tried(outside: Outside) -> tuple[Judgement, ...]:
    return (
        _told("silence.calls", "it called", outside.calls, "refused; means: every packet of its own network was read"),
        _told(
            "silence.manager",
            "it reached for a service manager by",
            outside.managers,
            "nobody is there; means: a socket at each of its usual places",
        ),
        _told(
            "silence.paths",
            "outside the clone it wrote",
            outside.written,
            "gone with the canary; means: a root of its own, looked through at the end",
        ),
    )


def _watched(outside: Outside) -> tuple[Judgement, ...]:
    seen = "means: a look at its processes four times a second"
    quiet = f"no connection outside loopback was seen (watched, not enforced; {seen})"
    return (
        _seen("silence", "it called", outside.calls, quiet),
        # Whoever went there was sent away: a real doctor looks for its service (2026.9.6), and that is no fault.
        _told(
            "silence.manager",
            "it reached for a service manager by",
            outside.managers,
            "nobody is there; means: a socket where the environment points to",
        ),
        _seen("silence.paths", "it wrote to live files:", outside.written, f"no live file was open for writing; {seen}"),
    )


def _told(check: str, what: str, found: tuple[str, ...], means: str) -> Judgement:
    if not found:
        return Judgement(check, Verdict.PASS, f"nothing was tried; {means.partition('; ')[2]}", need=Need.WANTED)
    return Judgement(check, Verdict.FAIL, f"{what} {_listed(found)} ({means})", need=Need.WANTED)


def _seen(check: str, what: str, found: tuple[str, ...], otherwise: str) -> Judgement:
    if not found:
        return Judgement(check, Verdict.PASS, otherwise)
    return Judgement(check, Verdict.FAIL, f"{what} {_listed(found)}")


def _listed(found: tuple[str, ...]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
