"""What reads like a pairing error and is none: named as such, so that nobody re-pairs devices for it."""

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature
from upgrader.domain.diagnosis.scene import Scene

_SIGNED: dict[str, tuple[str, str]] = {
    "rate-limited": (
        "authentication is rate-limited: too many failed attempts lock the address out for minutes",
        "wait five minutes; find the client that fails before: `openclaw logs`",
    ),
    "channel-pairing": (
        "somebody writes to a chat channel without being allowed: DM pairing, not device pairing",
        "`openclaw pairing list`, then `openclaw pairing approve CHANNEL CODE`",
    ),
    "agent-to-agent-off": (
        "agents may not talk to each other: tools.agentToAgent, not device pairing",
        "`openclaw config set tools.agentToAgent.enabled true`, and see tools.agentToAgent.allow",
    ),
    "visibility-restricted": (
        "an agent may not see the session it asks for: tools.sessions.visibility, not device pairing",
        "`openclaw config set tools.sessions.visibility all`",
    ),
    "message-order": (
        "`Message ordering conflict`: two gateways on one state, or a session store restored in part",
        "`upgrader status` shows the gateways; `/new` starts a fresh session",
    ),
    "protocol-mismatch": (
        "a client speaks another protocol than this gateway: it is of another release",
        "update that client, or reload the Control UI page",
    ),
    "plain-ws": (
        "a client refused plain ws:// to another machine, before any pairing was looked at",
        "use a wss:// address, or an SSH tunnel to 127.0.0.1",
    ),
    "credential-redacted": (
        "the configuration holds a placeholder in the place of the gateway's token",
        "`openclaw doctor --fix`, or restore openclaw.json: `upgrader rollback`",
    ),
}


def signed(scene: Scene) -> tuple[Cause, ...]:
    """Known lines of the log."""
    found = []
    for name, (title, remedy) in _SIGNED.items():
        seen = scene.seen(name)
        if seen:
            evidence = tuple(f"{s.count} times, last {s.last:%H:%M:%S} UTC: {s.sample}" for s in seen[:3])
            found.append(Cause(name, title, Likelihood.LIKELY, Impact.TOLD, evidence, remedy, Nature.LOOKALIKE))
    return tuple(found)


def agents_apart(scene: Scene) -> tuple[Cause, ...]:
    """Several agents and a policy that keeps them apart: spawn and send fail with every pairing whole."""
    policy = scene.policy
    if len(policy.agents) < 2:
        return ()
    found = []
    if policy.agent_to_agent is False:
        found.append(_set("agent-to-agent-off", "tools.agentToAgent.enabled is false: agents may not message each other"))
    allow = policy.agent_allow
    outside = [a for a in policy.agents if allow is not None and "*" not in allow and a not in allow]
    if policy.agent_to_agent and outside:
        found.append(_set("agent-to-agent-off", f"tools.agentToAgent.allow leaves out {', '.join(outside)}"))
    if policy.visibility in ("self", "tree"):
        why = f"tools.sessions.visibility is {policy.visibility}: other agents' sessions are hidden"
        found.append(_set("visibility-restricted", why))
    if policy.sandbox_visibility == "spawned":
        why = "agents.defaults.sandbox.sessionToolsVisibility is spawned: a sandboxed agent sees only what it spawned"
        found.append(_set("visibility-restricted", why))
    if policy.ping_pong == 0:
        found.append(_set("ping-pong-off", "session.agentToAgent.maxPingPongTurns is 0: agents do not answer each other"))
    return tuple(found)


def _set(code: str, title: str) -> Cause:
    remedy = "a setting, not device pairing: `openclaw config get tools` shows it"
    return Cause(code, title, Likelihood.POSSIBLE, Impact.TOLD, (), remedy, Nature.LOOKALIKE, place="openclaw.json")


def sessions_in_part(scene: Scene) -> tuple[Cause, ...]:
    """Transcripts without their index: a session store restored in part, which reads like messages out of order."""
    return tuple(
        Cause(
            "session-store-in-part",
            f"agent {each.agent} has {each.transcripts} transcripts and no index of them: a session store restored in part",
            Likelihood.LIKELY,
            Impact.TOLD,
            ("conversations begin anew, and `Message ordering conflict` may follow",),
            "`upgrader rollback` restores index and transcripts of one moment",
            Nature.LOOKALIKE,
            place=f"agents/{each.agent}/sessions",
        )
        for each in scene.sessions
        if each.transcripts and not each.indexed
    )


def proof_refused(scene: Scene) -> tuple[Cause, ...]:
    """A client's signature was not accepted: its clock, or its identity."""
    seen = scene.seen("device-auth-invalid")
    if not seen:
        return ()
    return (
        Cause(
            "proof-refused",
            f"the proof of identity of device {seen[0].short} was refused: a wrong clock or a damaged identity",
            Likelihood.LIKELY,
            Impact.NOW,
            tuple(f"{s.count} times: {s.sample}" for s in seen[:2]),
            "compare the clocks (`date -u` on both machines), then that machine's identity file",
            device=seen[0].device[:12],
        ),
    )
