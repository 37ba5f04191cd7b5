"""An agent's auth profiles: names, fingerprints, and how often a provider refused them. Pure; keys are never given out.

Sources: auth-profiles.json with `profiles` and `usageStats` (`failureCounts.auth`, `lastFailureAt`) of 2026.2.22; the tables
auth_profile_store and auth_profile_state of 2026.9.6, which hold the same two parts (read). Run with a provider that answers
401: 2.22 notes `lastFailureAt` and sets the counts back in the same moment, so a refusal may show by its time alone.
"""

import json
from typing import Any

from upgrader.domain.diagnosis.logins import Login
from upgrader.domain.pairing.ports import Query
from upgrader.domain.secret import Fingerprint
from upgrader.services.openclaw.places.paths import AGENT_DATABASES

FILE = "agents/*/agent/auth-profiles.json"
DATABASE = AGENT_DATABASES
QUERIES = (
    Query("store", "SELECT store_json FROM auth_profile_store LIMIT 20"),
    Query("state", "SELECT state_json FROM auth_profile_state LIMIT 20"),
)
_KEYS = ("key", "token", "access", "refresh", "keyRef", "tokenRef")
_LATEST_MS = 4_102_444_800_000  # 2100: a greater number is no time
_REFUSED = ("auth", "auth_permanent")


def logins(agent: str, store: bytes, state: bytes) -> tuple[Login, ...]:
    """The profiles of a store with the failures of a state, which in the file era is the same document."""
    profiles, usage = _part(store, "profiles"), _part(state, "usageStats")
    return tuple(
        _login(agent, name, profile, usage.get(name)) for name, profile in sorted(profiles.items()) if isinstance(profile, dict)
    )


def _login(agent: str, name: str, profile: dict[str, Any], usage: object) -> Login:
    used = usage if isinstance(usage, dict) else {}
    counts = used.get("failureCounts")
    counted = [counts.get(reason) for reason in _REFUSED] if isinstance(counts, dict) else []
    last = used.get("lastFailureAt")
    presented = {key: profile[key] for key in _KEYS if profile.get(key)}
    return Login(
        agent=agent,
        profile=name,
        key=Fingerprint.of(json.dumps(presented, sort_keys=True) if presented else ""),
        refusals=sum(each for each in counted if isinstance(each, int)),
        refused_ms=last if isinstance(last, int) and 0 < last < _LATEST_MS else None,
        renews=profile.get("type") == "oauth",
    )


def _part(raw: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}
