"""What a gateway's answers over HTTP mean."""

import pytest

from tests.pairing.stores import KNOWLEDGE
from upgrader.domain.pairing.ports import HttpReply
from upgrader.domain.version import Version

STARTED = ("/startupz", HttpReply(200, b'{"ok":true,"status":"started"}'))
READY = ("/readyz", HttpReply(200, b'{"ready":true,"failing":[]}'))


@pytest.mark.parametrize(
    ("release", "asked"),
    [
        ("2026.2.17", ()),
        ("2026.2.26", ()),
        ("2026.3.1", ("/readyz",)),
        ("2026.7.35", ("/readyz",)),
        ("2026.8.1", ("/startupz", "/readyz")),
    ],
)
def test_each_release_is_asked_what_it_answers(release: str, asked: tuple[str, ...]) -> None:
    assert KNOWLEDGE.readiness_paths(Version(release)) == asked


@pytest.mark.parametrize(
    "answers",
    [
        (STARTED, READY),
        (("/readyz", HttpReply(200, b'{"ok":true,"status":"ready"}')),),
    ],
    ids=["9.x", "3.x"],
)
def test_a_ready_gateway_is_believed(answers: tuple[tuple[str, HttpReply], ...]) -> None:
    assert KNOWLEDGE.readiness(answers)[0]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((("/readyz", HttpReply(0)),), "no answer"),
        ((("/readyz", HttpReply(200, b"<html>")),), "not a gateway's answer"),
        ((("/startupz", HttpReply(503, b'{"ok":false,"status":"starting"}')), READY), "starting"),
        ((STARTED, ("/readyz", HttpReply(503, b'{"ready":false,"failing":["startup-sidecars"]}'))), "startup-sidecars"),
        ((STARTED, ("/readyz", HttpReply(200, b'{"ready":false}'))), "not ready"),
    ],
)
def test_anything_else_is_not_ready_and_says_why(answers: tuple[tuple[str, HttpReply], ...], said: str) -> None:
    ready, detail = KNOWLEDGE.readiness(answers)
    assert not ready
    assert said in detail
