"""Secrets a configuration only refers to: what a clone is given of them, and what becomes inert."""

import json
from dataclasses import replace

import pytest

from tests.services.openclaw.test_clone_config import WISH
from upgrader.domain.installation.facts import AuthFacts
from upgrader.domain.secret import Secret
from upgrader.services.openclaw.canary.clone_config import quiet_config
from upgrader.services.openclaw.canary.clone_runs import policy_views
from upgrader.services.openclaw.canary.clone_secrets import INERT_NAME, auth_environment
from upgrader.services.openclaw.canary.clone_state import clone_plan, inert

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
