"""What of the configuration decides how agents and clients may reach the gateway, and which of its texts are secrets. Pure.

Apart from the facts of a scene: it is read by every command.
"""

from collections.abc import Mapping
from typing import Any

from upgrader.domain.installation.policy_facts import Policy
from upgrader.services.openclaw.configuration.secret_places import is_secret, texts


def policy_of(tree: Mapping[str, Any], agents: tuple[str, ...]) -> Policy:
    """What the configuration says about agents among each other and about how the gateway is reached.

    Source: src/config/zod-schema.agent-runtime.ts and docs/gateway/configuration of 2026.9.6; 2.x has the sandbox's
    `sessionToolsVisibility` beside `tools.sessions.visibility`.
    """
    allow = _at(tree, "tools", "agentToAgent", "allow")
    enabled = _at(tree, "tools", "agentToAgent", "enabled")
    turns = _at(tree, "session", "agentToAgent", "maxPingPongTurns")
    return Policy(
        agent_to_agent=enabled if isinstance(enabled, bool) else None,
        agent_allow=tuple(str(a) for a in allow) if isinstance(allow, list) else None,
        visibility=_text(_at(tree, "tools", "sessions", "visibility")),
        sandbox_visibility=_text(_at(tree, "agents", "defaults", "sandbox", "sessionToolsVisibility"))
        if _text(_at(tree, "agents", "defaults", "sandbox", "mode")) not in ("", "off")
        else "",
        ping_pong=_whole(turns),
        agents=agents,
        bind=_text(_at(tree, "gateway", "bind")),
        remote_url=_text(_at(tree, "gateway", "remote", "url")),
    )


_SHORTEST = 8


def secret_texts(value: object) -> tuple[str, ...]:
    """Every text in a configuration that stands at the place of a secret: for looking that none is in a report."""
    found = (text for _, _, place, text in texts(value) if place and _opens(place) and _may_be_secret(text))
    return tuple(found)


_SECRET_NAMES = ("token", "secret", "password", "apikey", "api_key", "privatekey", "credential", "authorization", "bearer")


def _opens(place: tuple[str, ...]) -> bool:
    """Variables for programs only by their names: values such as `production` are words of any report."""
    name = place[-1].lower()
    return any(part in name for part in _SECRET_NAMES) or ("env" not in place and is_secret(place))


def _may_be_secret(value: str) -> bool:
    return len(value) >= _SHORTEST and "${" not in value and not value.startswith(("http://", "https://"))


def _at(value: object, *keys: str) -> object:
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
