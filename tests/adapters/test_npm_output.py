"""What npm's failures mean, and that nothing secret of them is shown."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from upgrader.adapters.node.npm_output import failure
from upgrader.domain.kept.slot import IntegrityMismatch, StageFailed
from upgrader.domain.ports import Ran
from upgrader.domain.said import last_line, redacted

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=12, max_size=40)
PLACES = [
    "//registry.example/:_authToken={}",
    "//registry.example/:_auth={}",
    "//registry.example/:_password = {}",
    "npm error 401 GET https://user:{}@registry.example/openclaw",
    "npm error headers Authorization: Bearer {}",
    "npm error headers authorization: Basic {}",
    'npm error {{"token":"{}"}}',
    "npm error GET https://storage.example/openclaw.tgz?X-Amz-Signature={}&x=1",
    "npm error invalid token npm_{}",
]


def ended(stderr: bytes) -> Ran:
    return Ran(1, b"", stderr, timedelta(seconds=1))


@pytest.mark.parametrize("place", PLACES)
@given(token=TOKENS)
def test_no_secret_of_npms_output_gets_through(place: str, token: str) -> None:
    if token.endswith("_") or token.startswith("_"):
        token = f"x{token}x"
    assume(not token.startswith("config_"))  # npm_config_… is the name of a setting
    shown = redacted(place.format(token))
    assert token not in shown
    assert "***" in shown


def test_words_without_secrets_stay_as_they_are() -> None:
    said = "npm error notarget No matching version found for openclaw@2026.9.7."
    assert redacted(said) == said


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("ENOSPC", "stage_no_space"),
        ("EACCES", "stage_no_permission"),
        ("ECONNREFUSED", "stage_registry_down"),
        ("SELF_SIGNED_CERT_IN_CHAIN", "stage_registry_certificate"),
        ("E401", "stage_registry_denied"),
        ("ETARGET", "stage_not_published"),
        ("EWHATEVER", "stage_failed"),
    ],
)
def test_the_cause_is_read_from_npms_own_code(code: str, cause: str) -> None:
    error = failure("install", ended(f"npm error code {code}\nnpm error something happened\n".encode()))
    assert isinstance(error, StageFailed)
    assert (error.code, error.exit_code, "something happened" in error.why) == (cause, 1, True)


def test_a_wrong_checksum_is_a_block() -> None:
    error = failure("install", ended(b"npm error code EINTEGRITY\nnpm error sha512-A integrity checksum failed\n"))
    assert isinstance(error, IntegrityMismatch)
    assert error.exit_code == 3


def test_only_the_last_lines_are_shown_and_not_where_npm_keeps_its_log() -> None:
    lines = [f"npm error line {number}" for number in range(30)]
    error = failure("install", ended("\n".join([*lines, "npm error A complete log of this run can be found in: /x"]).encode()))
    assert error.why.splitlines() == lines[-6:]


def test_an_npm_that_says_nothing_is_named_by_its_exit_code() -> None:
    assert "exit code 1" in failure("install", ended(b"")).why


def test_the_last_words_of_a_program_are_one_line_without_its_secrets() -> None:
    assert last_line(b"first\nGateway auth token: 0123456789abcdef is not set\n\n") == "Gateway auth token: *** is not set"
    assert last_line(b"\n \n") == ""
    assert len(last_line(b"x" * 100_000)) == 300
