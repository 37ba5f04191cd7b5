"""Settings that decide what agents may do to each other, and how a gateway is reached."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """Settings that decide what agents may do to each other, and how the gateway is reached. None and empty: not set."""

    agent_to_agent: bool | None = None
    agent_allow: tuple[str, ...] | None = None
    visibility: str = ""
    sandbox_visibility: str = ""
    ping_pong: int | None = None
    agents: tuple[str, ...] = ()
    bind: str = ""
    remote_url: str = ""
