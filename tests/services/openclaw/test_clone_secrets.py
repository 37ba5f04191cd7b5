"""Secrets a configuration only refers to: what a clone is given of them, and what becomes inert."""

import json
from dataclasses import replace

import pytest

from tests.services.openclaw.test_clone_config import WISH
from upgrader.domain.canary.clone import CloneWish
from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.secret import Secret
from upgrader.services.openclaw.canary.clone_config import quiet_config
from upgrader.services.openclaw.canary.clone_runs import policy_views
from upgrader.services.openclaw.canary.clone_secrets import INERT_NAME, auth_environment
from upgrader.services.openclaw.canary.clone_state import clone_plan, inert
from upgrader.services.openclaw.configuration.config_policy import secret_texts

TOKEN, PASSWORD = AuthFacts("token", Secret("t")), AuthFacts("password", password=Secret("p"))
VAULT = {"source": "exec", "provider": "vault", "id": "gw"}


@pytest.mark.parametrize(
    ("written", "auth", "given"),
    [
        ({"token": "t"}, TOKEN, {}),
        ({"token": "${GW}"}, TOKEN, {"GW": "t"}),
        ({"token": {"source": "env", "provider": "default", "id": "GW"}}, TOKEN, {"GW": "t"}),
        ({"mode": "token"}, TOKEN, {"OPENCLAW_GATEWAY_TOKEN": "t"}),
        ({"mode": "password"}, PASSWORD, {"OPENCLAW_GATEWAY_PASSWORD": "p"}),
        ({"mode": "trusted-proxy"}, AuthFacts("trusted-proxy", Secret("t")), {}),  # 9.5 refuses a token beside it
        ({"token": VAULT}, AuthFacts("token"), {}),
    ],
)
def test_a_clone_is_given_the_gateways_own_secret_where_its_configuration_does_not_hold_it(
    written: dict[str, object], auth: AuthFacts, given: dict[str, str]
) -> None:
    assert auth_environment({"gateway": {"auth": written}}, auth) == given


def test_what_files_and_programs_hold_is_inert_and_the_gateways_own_becomes_another() -> None:
    source: dict[str, object] = {
        "gateway": {"auth": {"mode": "token", "token": VAULT}},
        "channels": {"telegram": {"botToken": {"source": "env", "provider": "default", "id": "TG"}}},
        "tools": {"web": {"search": {"apiKey": VAULT, "name": "${FROM_ENV} ${SET_HERE}"}}},
        "env": {"vars": {"SET_HERE": "x"}},
    }
    quiet = quiet_config(source, WISH)
    edited = json.loads(quiet.data)
    assert edited["gateway"]["auth"]["token"] == WISH.own.reveal()
    assert edited["tools"]["web"]["search"]["apiKey"]["id"] == INERT_NAME
    assert quiet.references == ("FROM_ENV", "TG", INERT_NAME)
    plan = clone_plan(source, WISH)
    assert [edit.place for edit in plan.may_differ] == ["gateway.auth"]
    views = dict(policy_views(source)).items() ^ dict(policy_views(edited)).items()
    assert {name for name, _ in views} == {"gateway.auth"}  # and that may differ


def test_without_walls_a_token_that_only_the_environment_held_is_not_given() -> None:
    wish = replace(WISH, inert=Secret("i" * 30))
    for mode, key in (("token", "token"), ("password", "password")):
        edited = json.loads(quiet_config({"gateway": {"auth": {"mode": mode}}, "env": {"GROQ": "gsk"}}, wish).data)
        assert edited["gateway"]["auth"] == {"mode": mode, key: "i" * 30}
        assert edited["env"] == {"GROQ": "inert"}


def test_an_account_that_refers_to_a_program_refers_to_nothing_in_a_clone() -> None:
    text = json.dumps({"profiles": {"x": {"type": "api_key", "keyRef": VAULT, "key": "k"}}})
    profile = json.loads(inert(text))["profiles"]["x"]
    assert (profile["keyRef"]["id"], profile["key"]) == (INERT_NAME, "inert")


OPEN = replace(WISH, inert=Secret("i" * 30))
LEAK = "leaks-out-of-here"
# Places that hold a SecretRef or a text (`openclaw config schema` of 2026.9.6), and some that hold texts only.
PLACES = [
    "agents.defaults.sandbox.ssh.identityData",
    "agents.entries.main.sandbox.ssh.certificateData",
    "agents.defaults.sandbox.docker.env.PGPASS",
    "channels.buzz.authTag",
    "channels.feishu.accounts.a.encryptKey",
    "channels.googlechat.serviceAccount",
    "channels.tlon.code",
    "channels.googlechat.accounts.a.serviceAccount.private_key_id",
    "channels.telegram.botToken",
    "cron.webhookToken",
    "gateway.remote.edgeAuth.x-access",
    "gateway.remote.token",
    "env.vars.DATABASE",
    "env.DATABASE",
    "diagnostics.otel.headers.x-team",
    "memory.search.remote.headers.Authorization",
    "models.providers.openai.headers.x-key",
    "tools.media.models.request.auth.value",
    "tools.media.audio.request.headers.Authorization",
    "tools.media.image.request.proxy.tls.key",
    "tools.web.fetch.headers.Cookie",
    "skills.entries.weather.env.WEATHER",
    "skills.entries.weather.apiKey",
    "plugins.entries.mail.config.clientSecret",
    "mcp.servers.a.env.X",
    "nodeHost.mcp.servers.a.headers.X",
    "security.installPolicy.exec.env.X",
    "talk.providers.a.apiKey",
    "cloudWorkers.profiles.a.token",
]


def _at(place: str, text: str) -> dict[str, object]:
    tree: object = text
    for name in reversed(place.split(".")):
        tree = {name: tree}
    assert isinstance(tree, dict)
    return tree


@pytest.mark.parametrize("place", PLACES)
def test_without_walls_no_secret_of_any_place_is_in_a_clone_and_its_policy_is_compared_without_it(place: str) -> None:
    source = _at(place, LEAK)
    plan = clone_plan(source, OPEN)
    assert LEAK not in plan.config.data.decode()
    then = dict(policy_views(plan.undone(json.loads(plan.config.data))))
    differing = [name for name, digest in policy_views(source) if then[name] != digest]
    assert set(differing) <= {"agents", "gateway.auth", "gateway.auth.policy"}, differing


def test_without_walls_an_address_carries_nobody_and_files_of_secrets_are_none() -> None:
    source: dict[str, object] = {
        "browser": {"cdpUrl": f"wss://me:{LEAK}@there/x?token={LEAK}&a=1"},
        "channels": {"line": {"secretFile": f"/run/{LEAK}"}},
    }
    edited = clone_plan(source, OPEN).config.data.decode()
    assert LEAK not in edited
    assert json.loads(edited)["browser"]["cdpUrl"] == "wss://there/x?token=inert&a=1"


def test_whatever_a_clone_makes_inert_is_kept_out_of_what_is_told() -> None:
    assert [place for place in PLACES if "env" not in place.split(".") and not secret_texts(_at(place, LEAK))] == []


@pytest.mark.parametrize("wish", [WISH, OPEN], ids=["sealed", "unsealed"])
def test_no_variable_leads_a_clone_through_a_proxy(wish: CloneWish) -> None:
    source: dict[str, object] = {
        "env": {"HTTPS_PROXY": "http://corp:3128", "vars": {"http_proxy": "http://corp:3128", "KEEP": "x"}},
        "proxy": {"enabled": True, "proxyUrl": "http://corp:3128"},
    }
    plan = clone_plan(source, wish)
    edited = json.loads(plan.config.data)
    assert edited["env"] == {"vars": {"KEEP": "x" if wish.inert is None else "inert"}}
    assert edited["proxy"]["enabled"] is False
    data = b"export HTTP_PROXY=http://corp:3128\nALL_PROXY='a\nb'\nKEEP=1\n"
    for rule in (rule for rule in plan.files if rule.pattern == "*.env"):
        data = rule.change(data)
    assert data in (b"KEEP=1\n", b"KEEP=inert\n")


def test_without_walls_a_file_of_variables_holds_no_value_and_steers_nothing() -> None:
    steering = f"# {LEAK}\nOPENCLAW_GATEWAY_TOKEN={LEAK}\nNODE_OPTIONS=--x\n"
    lines = f'{steering}PEM="-----BEGIN\n{LEAK}\nb={LEAK}\n"\nexport A={LEAK} # b\n'
    (rule,) = (rule for rule in clone_plan({}, OPEN).files if rule.pattern == "*.env" and "walls" in rule.why)
    assert rule.change(lines.encode()) == b"PEM=inert\nA=inert\n"


def test_without_walls_a_login_of_a_channel_holds_neither_texts_nor_bytes() -> None:
    creds = {
        "noiseKey": {"private": {"type": "Buffer", "data": [1, 2, 3]}, "public": LEAK},
        "registered": True,
        "me": {"id": LEAK},
    }
    rules = [rule for rule in clone_plan({}, OPEN).files if rule.pattern == "credentials/*/*/*.json"]
    data = json.dumps(creds).encode()
    for rule in rules:
        data = rule.change(data)
    assert LEAK not in data.decode()
    assert json.loads(data)["noiseKey"]["private"]["data"] == []
