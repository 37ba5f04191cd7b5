"""Which turns a person's own tool policy forbids: read from the configuration, never changed for the sake of a test."""

import re
from collections.abc import Mapping

from upgrader.domain.canary.turns import TurnKind
from upgrader.domain.version import Version
from upgrader.services.openclaw.canary.clone_config import agent_ids

_AGENT_TO_AGENT_BY_DEFAULT = "2026.9.3"  # reference 10: off unless true up to 8.2, on unless false from 9.3
_VISIBLE_BY_DEFAULT = "2026.9.5"  # resolveSessionToolsVisibility in dist of 9.5 falls back to all; 8.1 to tree
_GROUPS = frozenset({"group:sessions", "group:openclaw"})  # hold both tools, in every release looked at
# From which release on a tool profile holds a tool, empty: in none. Profiles of 2026.2.17, 2.22, 3.13, 5.18, 6.11, 7.1, 9.5
# and 9.6 (dist/tool-catalog-*); `coding` and `full` hold both, always.
_PROFILES = {
    ("minimal", "sessions_spawn"): "",
    ("minimal", "sessions_send"): "",
    ("messaging", "sessions_spawn"): "2026.9.5",
}


_TOOLS = {TurnKind.SPAWN: "sessions_spawn", TurnKind.SEND: "sessions_send"}


def taking(kind: TurnKind, config: Mapping[str, object], version: Version) -> tuple[str, ...]:
    """Who takes a turn, and for one that writes to whom: the first agents whose policy lets them, the default one first.

    Empty where the policy lets none. The plain turn is the last agent's: it is no agent's that takes another turn.
    """
    agents = agent_ids(config)
    if kind is TurnKind.PLAIN:
        return agents[-1:]
    able = [agent for agent in agents if not _forbidden(kind, agent, config, version)]
    if kind is TurnKind.SPAWN:
        return tuple(able[:1])
    if _no_send(config, version):
        return ()
    allow = _mapping(_mapping(config.get("tools")).get("agentToAgent")).get("allow")
    heard = [agent for agent in agents if not isinstance(allow, list) or any(_fits(p, agent) for p in allow)]
    pairs = ((one, other) for one in able for other in heard if one in heard and one != other)
    return next(pairs, ())


def not_applicable(kind: TurnKind, config: Mapping[str, object], version: Version) -> str:
    """Why the user's own policy forbids this turn to all agents, empty when it does not. Read, never changed."""
    if taking(kind, config, version):
        return ""
    forbidden = _forbidden(kind, agent_ids(config)[0], config, version)
    return forbidden or _no_send(config, version) or "tools.agentToAgent.allow does not name both agents"


def _forbidden(kind: TurnKind, agent: str, config: Mapping[str, object], version: Version) -> str:
    tool, tools = _TOOLS[kind], _mapping(config.get("tools"))
    own = _mapping(agent_section(config, agent).get("tools"))
    for policy, place in ((tools, "tools"), (own, "the agent's tools")):
        if _denies(policy, tool):
            return f"{tool} is not among the tools that {place} allow"
    return f"{tool} is not in the tool profile" if _profile_lacks((own, tools), tool, version) else ""


def agent_section(config: Mapping[str, object], name: str) -> Mapping[str, object]:
    """What the configuration says of one agent (its name in small letters)."""
    agents = _mapping(config.get("agents"))
    listed = agents.get("list")
    for agent in listed if isinstance(listed, list) else []:
        if isinstance(agent, dict) and str(agent.get("id")).lower() == name:
            return agent
    entries = _mapping(agents.get("entries")).items()
    return next((_mapping(entry) for key, entry in entries if key.lower() == name), {})


def _no_send(config: Mapping[str, object], version: Version) -> str:
    """Why no agent writes to another, whichever they are."""
    tools = _mapping(config.get("tools"))
    if len(agent_ids(config)) < 2:
        return "there is no second agent to write to"
    on = _mapping(tools.get("agentToAgent")).get("enabled", version.at_least(_AGENT_TO_AGENT_BY_DEFAULT))
    if on is not True:
        return "tools.agentToAgent is off"
    visible = _mapping(tools.get("sessions")).get("visibility")
    if (visible or ("all" if version.at_least(_VISIBLE_BY_DEFAULT) else "tree")) != "all":
        return "tools.sessions.visibility does not reach another agent"
    return ""


def _denies(policy: Mapping[str, object], tool: str) -> bool:
    """Whether lists of one policy take a tool away: `deny`, or an `allow` that names others. One that is empty allows all."""
    deny, allow = _names_in(policy, "deny"), _names_in(policy, "allow")
    return any(_means(name, tool) for name in deny) or (bool(allow) and not any(_means(name, tool) for name in allow))


def _profile_lacks(policies: tuple[Mapping[str, object], ...], tool: str, version: Version) -> bool:
    """Whether the profile that counts, the agent's before the common one, lacks a tool; `alsoAllow` adds to it
    (resolveEffectiveToolPolicy and mergeAlsoAllowPolicy in dist/tool-policy-*.mjs of 9.5)."""
    profile = next((policy["profile"] for policy in policies if policy.get("profile")), "")
    since = _PROFILES.get((str(profile).lower(), tool))
    if since is None or (since and version.at_least(since)):
        return False
    also = next((names for policy in policies if (names := _names_in(policy, "alsoAllow"))), ())
    return not any(_means(name, tool) for name in also)


def _names_in(policy: Mapping[str, object], key: str) -> tuple[str, ...]:
    listed = policy.get(key)
    return tuple(name.strip().lower() for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()


def _means(name: str, tool: str) -> bool:
    return name in _GROUPS or _fits(name, tool)


def _fits(pattern: object, name: str) -> bool:
    return isinstance(pattern, str) and re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
