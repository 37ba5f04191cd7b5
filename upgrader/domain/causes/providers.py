"""A model provider's 401: which agent, which auth profile, and whether it was lost in a move or was so before."""

from datetime import UTC, datetime

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature
from upgrader.domain.diagnosis.logins import Login
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.pairing.sighting import Sighting

_RECENT_MS = 86_400_000  # a failure of more than a day ago is history
_SOON_MS = 60_000


def refused_logins(scene: Scene) -> tuple[Cause, ...]:
    """Profiles that a provider refused, as OpenClaw counts it beside them, and what the log says of a 401."""
    lines = scene.seen("provider-unauthorized")
    newest = max((each.refused_ms or 0 for each in scene.logins.now), default=0)
    recent = max(newest, *(each.last.timestamp() * 1000 for each in lines), 0) - _RECENT_MS
    counted = [each for each in scene.logins.now if each.refusals and (each.refused_ms or 0) >= recent]
    refused = [*counted, *(each for each in scene.logins.now if each not in counted and _at_a_line(each, lines))]
    told = [_refused(scene, each) for each in refused]
    if lines and not refused:
        told.append(_unnamed(scene))
    return tuple(told)


def _at_a_line(login: Login, lines: tuple[Sighting, ...]) -> bool:
    """Whether its last failure was when the log tells of a 401: 2.22 notes the time and sets the counts back."""
    at = login.refused_ms or 0
    return any(each.first.timestamp() * 1000 - _SOON_MS <= at <= each.last.timestamp() * 1000 + _SOON_MS for each in lines)


def _refused(scene: Scene, login: Login) -> Cause:
    return _cause(
        "provider-unauthorized",
        f"a model provider refused the key of profile {login.profile} of agent {login.agent} (401): not device pairing",
        (f"{login.refusals} times{_at(login)}" if login.refusals else f"refused{_at(login)}", _then(scene, login)),
        f"`openclaw models status --agent {login.agent}`, then sign in again for {login.profile}",
        f"agents/{login.agent}",
    )


def _unnamed(scene: Scene) -> Cause:
    """Keys that stand in the configuration or the environment have no profile."""
    seen = scene.seen("provider-unauthorized")
    known = ", ".join(f"{each.profile} of {each.agent}" for each in scene.logins.now[:5])
    agents = ", ".join(dict.fromkeys(each.agent for each in seen if each.agent))
    return _cause(
        "provider-unauthorized",
        "a model provider refused a key (401): the agent's credentials, not device pairing",
        (
            *(f"{s.count} times, last {s.last:%H:%M:%S} UTC: {s.sample}" for s in seen[:3]),
            *((f"agent {agents}",) if agents else ()),
            f"no stored profile counts a refusal ({known or 'there is none'}): the key is of the configuration or environment",
            *_all_lost(scene),
        ),
        "`openclaw models status`, then correct models.providers or the variable that holds the key",
        "the gateway's log",
    )


def lost_logins(scene: Scene) -> tuple[Cause, ...]:
    """Profiles that the newest snapshot holds and that are gone now."""
    before = scene.logins.before
    return tuple(
        _cause(
            "provider-login-lost",
            f"agent {each.agent} has lost its login {each.profile}: the snapshot before still holds it",
            (_when(scene),),
            f"sign in again for {each.profile}, or `upgrader rollback` where the release before is wanted",
            f"agents/{each.agent}",
        )
        for each in scene.logins.lost()
        if before is not None
    )


def _then(scene: Scene, login: Login) -> str:
    """Lost in a move, or so before: by the newest snapshot."""
    before = scene.logins.before
    if before is None:
        return "no snapshot tells whether it was so before"
    old = before.of(login)
    if old is None:
        return f"{_when(scene)}: it had no such profile, so nothing was lost"
    if old.key == login.key:
        refused = " and was refused then already" if old.refusals else ""
        return f"{_when(scene)}: its key is the same{refused}, so it was not lost since"
    if login.renews:
        return f"{_when(scene)}: its tokens were renewed since, as a login of this kind does"
    return f"{_when(scene)}: it held another key, which was changed or lost since"


def _when(scene: Scene) -> str:
    before = scene.logins.before
    if before is None:
        return ""
    now = scene.installation.package.version
    move = f", before the move to {now}" if before.version != now else ""
    return f"snapshot {before.snapshot} ({before.created[:16]}, release {before.version}{move})"


def _all_lost(scene: Scene) -> tuple[str, ...]:
    return tuple(f"{each.profile} of agent {each.agent} is gone since {_when(scene)}" for each in scene.logins.lost())


def _at(login: Login) -> str:
    return f", last {datetime.fromtimestamp(login.refused_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC" if login.refused_ms else ""


def _cause(code: str, title: str, evidence: tuple[str, ...], remedy: str, place: str) -> Cause:
    return Cause(code, title, Likelihood.LIKELY, Impact.TOLD, evidence, remedy, Nature.LOOKALIKE, place=place)
