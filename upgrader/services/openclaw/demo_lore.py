"""What the demo must know of OpenClaw: a configuration with a model of its own, and how a pairing is broken from outside."""

import json

from upgrader.domain.demo import Fault


def demo_config(port: int, model_url: str, model_token: str, model_id: str, gateway_token: str, log: str) -> bytes:
    """An openclaw.json of the 9.x line: token auth on loopback, two agents that may reach each other, no outside model.

    Keys read in 2026.9.5 and accepted by it and by 2026.9.6; `agents.entries` is theirs (a list up to 7.x).
    """
    free = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}
    model = {"id": model_id, "name": "stand-in", "reasoning": False, "input": ["text"], "cost": free}
    provider = {
        "baseUrl": model_url,
        "apiKey": model_token,
        "api": "openai-completions",
        "models": [{**model, "contextWindow": 128000, "maxTokens": 8192}],
    }
    config = {
        "gateway": {"mode": "local", "port": port, "bind": "loopback", "auth": {"mode": "token", "token": gateway_token}},
        "update": {"checkOnStart": False},
        "models": {"mode": "merge", "catalogRefresh": {"enabled": False}, "providers": {"demo": provider}},
        "agents": {"defaults": {"model": {"primary": f"demo/{model_id}"}}, "entries": {"main": {"default": True}, "beta": {}}},
        "tools": {"agentToAgent": {"enabled": True, "allow": ["*"]}, "sessions": {"visibility": "all"}},
        "discovery": {"mdns": {"mode": "off"}},
        "logging": {"file": log},
    }
    return json.dumps(config, indent=2).encode()


def fault_statement(fault: Fault) -> str:
    """The write that breaks a pairing, with `:device` and `:value` (a random text). Table of 8.1 and later.

    A plain write leaves no tombstone and no revokedAtMs: the gateway's own record shows no act of an operator.
    """
    narrow = "'[\"operator.read\"]'"
    return {
        Fault.DELETED: "DELETE FROM device_pairing_paired WHERE device_id = :device AND :value != ''",
        Fault.NARROWED: (
            f"UPDATE device_pairing_paired SET scopes_json = {narrow}, approved_scopes_json = {narrow} "
            "WHERE device_id = :device AND :value != ''"
        ),
        Fault.TOKEN: (
            "UPDATE device_pairing_paired SET tokens_json = json_set(tokens_json, '$.operator.token', :value) "
            "WHERE device_id = :device"
        ),
    }[fault]
