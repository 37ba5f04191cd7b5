"""The configuration of a clone, the doctor's table, readiness, and what a user's policy forbids."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.canary.clone import CloneWish, ModelProvider, PathMove
from upgrader.domain.canary.course import Readiness
from upgrader.domain.canary.turns import TurnKind
from upgrader.domain.secret import Secret
from upgrader.domain.version import Version
from upgrader.services.openclaw.canary import lore
from upgrader.services.openclaw.canary.clone_config import agent_ids, quiet_config
from upgrader.services.openclaw.canary.clone_state import inert
from upgrader.services.openclaw.canary.open_clone import with_hands
from upgrader.services.openclaw.canary.turn_policy import taking

MODEL = ModelProvider("http://127.0.0.1:9/v1", Secret("m" * 43), "canary-1")
WISH = CloneWish(Version("2026.9.5"), 21000, Path("/notes/g.jsonl"), MODEL, Secret("o" * 36), PathMove(Path("/s"), Path("/s")))
TWO: dict[str, object] = {"agents": {"list": [{"id": "beta"}, {"id": "main", "default": True}]}}
TALKING = {**TWO, "tools": {"agentToAgent": {"enabled": True}, "sessions": {"visibility": "all"}}}


def _edited(source: dict[str, object], wish: CloneWish = WISH) -> dict[str, object]:
    document = json.loads(quiet_config(source, wish).data)
    assert isinstance(document, dict)
    return document


def test_a_clone_is_quiet_on_loopback_and_answers_with_the_stand_in_model() -> None:
    edited = _edited({"gateway": {"port": 18789}, "hooks": {"enabled": True}, "channels": {"x": {}, "defaults": {"a": 1}}})
    assert edited["gateway"] == {"port": 21000, "mode": "local", "bind": "loopback"}
    assert edited["channels"] == {"x": {"enabled": False}, "defaults": {"a": 1}}
    for key, switch in (("cron", "enabled"), ("browser", "enabled"), ("update", "checkOnStart")):
        assert edited[key] == {switch: False}
    assert edited["hooks"] == {"enabled": False, "internal": {"enabled": False}}
    assert json.loads(json.dumps(edited["models"]))["providers"].keys() == {"upgrader-canary"}


@pytest.mark.parametrize(
    ("bind", "sealed", "unsealed"),
    [
        (None, "loopback", "loopback"),
        ("auto", "loopback", "loopback"),
        ("lan", "lan", "loopback"),
        ("tailnet", "lan", "loopback"),
    ],
)
def test_a_gateway_that_listens_to_a_network_does_so_behind_walls_only(bind: str | None, sealed: str, unsealed: str) -> None:
    source: dict[str, object] = {"gateway": {"bind": bind} if bind else {}}
    found = [json.loads(quiet_config(source, wish).data) for wish in (WISH, replace(WISH, inert=Secret("i" * 30)))]
    assert [each["gateway"]["bind"] for each in found] == [sealed, unsealed]


def test_every_change_is_told_with_its_reason() -> None:
    edits = quiet_config({}, WISH).edits
    assert {"cron.enabled", "gateway.port", "models.providers", "logging.file"} <= {edit.place for edit in edits}
    assert all(edit.why for edit in edits)


def test_keys_that_only_younger_releases_know_are_not_set_for_older_ones() -> None:
    older = replace(WISH, version=Version("2026.2.17"))
    assert "catalogRefresh" not in str(_edited({}, older))
    assert "telemetry" not in _edited({}, older)
    assert "catalogRefresh" in str(_edited({}))


def test_agents_with_models_heartbeats_and_sandboxes_of_their_own_are_quiet_too() -> None:
    source: dict[str, object] = {
        "agents": {
            "defaults": {"sandbox": {"mode": "all", "sessionToolsVisibility": "all"}, "imageModel": {"primary": "a/b"}},
            "list": [
                {
                    "id": "main",
                    "model": "x/y",
                    "runtime": {"type": "acp"},
                    "heartbeat": {"every": "5m"},
                    "tools": {"deny": ["exec"]},
                }
            ],
        }
    }
    agents = json.loads(json.dumps(_edited(source)["agents"]))
    assert agents["list"] == [{"id": "main", "heartbeat": {"every": "0m"}, "tools": {"deny": ["exec"]}}]
    assert agents["defaults"]["sandbox"] == {"mode": "off", "sessionToolsVisibility": "all"}
    assert agents["defaults"]["model"] == {"primary": "upgrader-canary/canary-1"}
    assert "imageModel" not in agents["defaults"]


def test_the_variables_a_configuration_refers_to_are_named() -> None:
    source: dict[str, object] = {"gateway": {"auth": {"token": "${GW_TOKEN}"}}, "tools": {"x": "$${NOT_THIS}"}}
    assert quiet_config(source, WISH).references == ("GW_TOKEN",)


_KEYS = ["deny", "allow", "x", "token"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=10,
)


@given(tools=_JSON, auth=_JSON, session=_JSON)
def test_whatever_stands_there_auth_and_tool_policy_are_never_changed(tools: object, auth: object, session: object) -> None:
    source: dict[str, object] = {"tools": tools, "gateway": {"auth": auth}, "session": session}
    edited = _edited(source)
    reasons = {lore.not_applicable(TurnKind.SPAWN, config, WISH.version) for config in (edited, source)}
    assert len(reasons) == 1
    assert edited["tools"] == tools
    assert json.loads(json.dumps(edited["gateway"]))["auth"] == auth


def test_agents_are_found_in_both_forms_the_default_one_first() -> None:
    assert agent_ids({}) == ("main",)
    assert agent_ids(TWO) == ("main", "beta")
    assert agent_ids({"agents": {"entries": {"a": {}, "B": {"default": True}}}}) == ("b", "a")


def test_without_walls_no_program_is_run_and_no_plugin_of_the_user_starts() -> None:
    source: dict[str, object] = {
        "tools": {"deny": ["browser"]},
        "plugins": {
            "load": {"paths": ["/p/mail"]},
            "entries": {"mail": {"enabled": True}, "mem": {}},
            "slots": {"memory": "mem"},
            "allow": ["mail"],
        },
    }
    wish = replace(WISH, inert=Secret("i" * 30))
    edited = json.loads(quiet_config(source, wish).data)
    assert edited["tools"]["deny"] == ["browser", "group:runtime"]
    assert with_hands(edited)["tools"] == source["tools"]  # so that the rest of it is compared strictly
    assert "tools" not in with_hands({"tools": {"deny": ["group:runtime"]}})
    assert edited["plugins"]["load"] == {}
    assert edited["plugins"]["entries"] == {"mem": {}}  # an entry of no plugin is an error up to 7.x
    assert edited["plugins"]["allow"] == ["memory-core"]
    entries: tuple[dict[str, object], ...] = ({"entries": {"own": {}}}, {})
    for plugins in ({"installs": {"own": {}}, **each} for each in entries):
        assert json.loads(quiet_config({"plugins": plugins}, wish).data)["plugins"]["entries"] == {"own": {"enabled": False}}
    sealed = json.loads(quiet_config(source, replace(wish, inert=None)).data)
    assert sealed["plugins"] == source["plugins"]
    assert sealed["tools"] == source["tools"]


@pytest.mark.parametrize(
    ("config", "version", "words"),
    [
        (TALKING, "2026.2.17", ""),
        (TWO, "2026.9.6", ""),
        (TWO, "2026.2.17", "agentToAgent is off"),
        ({**TWO, "tools": {"agentToAgent": {"enabled": False}}}, "2026.9.6", "agentToAgent is off"),
        ({**TWO, "tools": {"agentToAgent": {"enabled": True}}}, "2026.2.17", "visibility"),
        ({**TWO, "tools": {"sessions": {"visibility": "tree"}}}, "2026.9.6", "visibility"),
        ({**TALKING, "tools": {"agentToAgent": {"enabled": True, "allow": ["main"]}}}, "2026.9.6", "does not name both"),
        ({**TALKING, "tools": {"deny": ["sessions_send"]}}, "2026.9.6", "not among the tools"),
        ({}, "2026.9.6", "no second agent"),
    ],
)
def test_a_send_the_users_policy_forbids_is_told_not_enabled(config: dict[str, object], version: str, words: str) -> None:
    reason = lore.not_applicable(TurnKind.SEND, config, Version(version))
    assert (words in reason) if words else not reason


@pytest.mark.parametrize(
    ("tools", "own", "version", "said"),
    [
        ({"profile": "minimal"}, {}, "2026.9.6", "sessions_spawn is not"),
        ({"profile": "minimal", "alsoAllow": ["sessions_spawn"]}, {}, "2026.9.6", ""),
        ({"profile": "messaging"}, {}, "2026.2.17", "sessions_spawn is not"),
        ({"profile": "messaging"}, {}, "2026.9.5", ""),
        ({"profile": "messaging"}, {"profile": "coding"}, "2026.2.17", ""),
        ({"profile": "coding"}, {"profile": "minimal"}, "2026.9.6", "sessions_spawn is not"),
        ({"deny": ["Sessions_*"]}, {}, "2026.9.6", "sessions_spawn is not"),
        ({}, {"deny": ["group:sessions"]}, "2026.9.6", "sessions_spawn is not"),
        ({"allow": ["group:fs", "message"]}, {}, "2026.9.6", "sessions_spawn is not"),
        ({"allow": ["*"]}, {}, "2026.9.6", ""),
    ],
)
def test_a_spawn_the_users_policy_forbids_is_told_in_whatever_form_it_is_written(
    tools: dict[str, object], own: dict[str, object], version: str, said: str
) -> None:
    config: dict[str, object] = {"tools": tools, "agents": {"list": [{"id": "Main", "tools": own}]}}
    reason = lore.not_applicable(TurnKind.SPAWN, config, Version(version))
    assert (said in reason) if said else not reason


@pytest.mark.parametrize(
    ("subagents", "named"),
    [
        ({}, ""),
        ({"requireAgentId": True}, '"agentId": "main"'),
        ({"requireAgentId": True, "allowAgents": ["*"]}, '"agentId": "main"'),
        ({"requireAgentId": True, "allowAgents": ["Beta"]}, '"agentId": "beta"'),
    ],
)
def test_a_spawn_names_an_agent_where_the_policy_wants_one(subagents: dict[str, object], named: str) -> None:
    config = json.loads(json.dumps(TWO))
    config["agents"]["defaults"] = {"subagents": subagents}
    message = lore.turn_probe(TurnKind.SPAWN, "0a1b2c3d", config, WISH.version).message
    assert named in message if named else "agentId" not in message


def test_a_probe_names_the_tool_and_the_other_agents_session() -> None:
    probe = lore.turn_probe(TurnKind.SEND, "0a1b2c3d", {**TWO, "session": {"mainKey": "home"}}, WISH.version)
    assert (probe.agent, probe.tool) == ("main", "sessions_send")
    assert '"agent:beta:home"' in probe.message
    assert lore.turn_arguments(probe)[:3] == ("agent", "--agent", "main")


@pytest.mark.parametrize(
    ("kind", "tools", "allow", "takes"),
    [
        (TurnKind.SPAWN, {}, None, ("main",)),
        (TurnKind.SPAWN, {"main": {"deny": ["sessions_spawn"]}}, None, ("beta",)),
        (TurnKind.SPAWN, {"main": {"profile": "minimal"}, "beta": {"allow": ["read"]}}, None, ("gamma",)),
        (TurnKind.SEND, {"main": {"deny": ["group:sessions"]}}, None, ("beta", "main")),
        (TurnKind.SEND, {}, ["main", "gamma"], ("main", "gamma")),
        (TurnKind.SEND, {"main": {"deny": ["sessions_send"]}}, ["main", "gamma"], ("gamma", "main")),
        (TurnKind.SEND, {}, ["main"], ()),
        (TurnKind.PLAIN, {}, None, ("gamma",)),
    ],
)
def test_a_turn_is_the_first_agents_whose_policy_lets_it(
    kind: TurnKind, tools: dict[str, object], allow: list[str] | None, takes: tuple[str, ...]
) -> None:
    listed = [{"id": name, "tools": tools.get(name, {})} for name in ("main", "beta", "gamma")]
    talk = {"enabled": True} if allow is None else {"enabled": True, "allow": allow}
    config: dict[str, object] = {"agents": {"list": listed}, "tools": {"agentToAgent": talk}}
    assert taking(kind, config, Version("2026.9.6")) == takes
    assert bool(lore.not_applicable(kind, config, Version("2026.9.6"))) is (not takes)


@pytest.mark.parametrize(
    ("result", "status", "error"),
    [
        ('{"status": "accepted", "childSessionKey": "k"}', "accepted", ""),
        ('{"status": "error", "error": "pairing required"}', "error", "pairing required"),
        (json.dumps({"content": [{"type": "text", "text": json.dumps({"result": json.dumps({"status": "ok"})})}]}), "ok", ""),
        ("no JSON at all", "", ""),
    ],
)
def test_a_tools_answer_is_found_through_its_wrapping(result: str, status: str, error: str) -> None:
    assert lore.answer_status(result) == (status, error)


@pytest.mark.parametrize(
    ("present", "target", "arguments", "mandatory"),
    [
        ("2026.2.17", "2026.2.19", ("doctor", "--non-interactive"), False),
        ("2026.2.17", "2026.5.12", ("doctor", "--fix", "--non-interactive"), False),
        ("2026.7.1", "2026.7.35", ("doctor", "--fix", "--non-interactive"), False),
        ("2026.2.22", "2026.9.6", ("doctor", "--fix", "--non-interactive"), True),
        ("2026.9.5", "2026.9.6", ("doctor", "--fix", "--non-interactive"), True),
    ],
)
def test_the_doctor_call_comes_from_one_table(
    present: str, target: str, arguments: tuple[str, ...], *, mandatory: bool
) -> None:
    call = lore.doctor_call(Version(present), Version(target))
    assert call is not None
    assert (call.arguments, call.mandatory) == (arguments, mandatory)
    assert call.source
    assert call.went_well(0, b"a warning\n")
    assert not call.went_well(1, b"Error: openclaw: missing dist/entry.(m)js (build output).\n\nNode.js v24.19.0\n")
    assert "--fix" not in arguments or call.environment["OPENCLAW_SERVICE_REPAIR_POLICY"] == "external"


@pytest.mark.parametrize(
    ("present", "target"), [("2026.9.6", "2026.9.5"), ("2026.2.19", "2026.2.17"), ("2026.9.6", "2026.9.6")]
)
def test_an_older_doctor_is_never_let_onto_a_newer_state(present: str, target: str) -> None:
    assert lore.doctor_call(Version(present), Version(target)) is None


@pytest.mark.parametrize(
    ("version", "how"),
    [("2026.2.22", Readiness.SOCKET), ("2026.3.13", Readiness.READYZ), ("2026.9.6", Readiness.STARTUPZ)],
)
def test_each_release_is_asked_in_its_own_way(version: str, how: Readiness) -> None:
    assert lore.readiness(Version(version)) is how


@pytest.mark.parametrize(
    ("path", "status", "body", "ready"),
    [
        ("/startupz", 200, b'{"ok":true,"status":"started"}', True),
        ("/startupz", 503, b'{"ok":true,"status":"starting"}', False),
        ("/readyz", 200, b'{"ready":true}', True),
        ("/readyz", 503, b'{"ready":false,"failing":["startup-sidecars"]}', False),
        ("/readyz", 200, b'{"ok":true,"status":"ready"}', True),
        ("/readyz", 200, b"<!doctype html>", False),
        ("/readyz", 0, b"", False),
    ],
)
def test_only_the_gateways_own_words_mean_ready(path: str, status: int, body: bytes, *, ready: bool) -> None:
    assert lore.is_ready(path, status, body) is ready


def test_a_challenge_is_a_gateways_greeting_and_nothing_else_is() -> None:
    assert lore.is_greeting(b'{"type":"event","event":"connect.challenge","payload":{"nonce":"n"}}')
    assert not lore.is_greeting(b"")
    assert not lore.is_greeting(b"[]")


@given(secret=st.text(min_size=8, alphabet="abcdef0123456789"))
def test_no_credential_survives_being_made_inert(secret: str) -> None:
    document = {"profiles": {"p": {"access": secret, "nested": [{"refresh": secret, "token": secret}]}, "v": 1}}
    made = inert(json.dumps(document))
    assert secret not in made
    assert json.loads(made)["profiles"].keys() == {"p", "v"}
