"""What each signature of the log means, in one phrase."""

from upgrader.services.openclaw.logs.signatures import SIGNATURES

_MORE = {
    "approved": "a device was approved",
    "metadata-upgrade-requested": "a device names another platform than it was paired with",
    "rate-limited": "authentication is rate-limited",
    "agent-to-agent-off": "agents may not message each other: tools.agentToAgent, not pairing",
    "visibility-restricted": "an agent may not see a session: tools.sessions.visibility, not pairing",
    "plain-ws": "a client refused plain ws:// to another machine",
    "message-order": "messages out of order: two gateways, or a session store restored in part",
    "channel-pairing": "somebody writes to a channel without being allowed: not device pairing",
    "provider-unauthorized": "a model provider refused a key: not device pairing",
}


def meaning(signature: str) -> str:
    """The phrase, the name itself where there is none."""
    known = {each.name: each.meaning for each in SIGNATURES}
    return _MORE.get(signature) or known.get(signature) or signature
