"""The stand-in model: what it calls, what it answers with text, whom it refuses."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from upgrader.adapters.canary.stub_model import StubModel, answer, serve
from upgrader.domain.canary.turns import Saw

PROBE = 'upgrader probe 0a1b2c3d: call sessions_spawn with {"task": "upgrader child 0a1b2c3d: say hi"} end of probe'


def _offer(*names: str) -> list[object]:
    return [{"type": "function", "function": {"name": name}} for name in names]


def _user(*texts: str) -> list[dict[str, object]]:
    return [{"role": "user", "content": text} for text in texts]


def _ask(stub: StubModel, body: dict[str, object], token: str | None = None) -> bytes:
    request = urllib.request.Request(
        f"{stub.base_url}/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {stub.token if token is None else token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return bytes(reply.read())


def test_a_probe_is_answered_with_the_call_it_names() -> None:
    event, _, call = answer({"messages": _user(PROBE), "tools": _offer("sessions_spawn")})
    assert (event.saw, event.nonce, event.tool) == (Saw.CALLED, "0a1b2c3d", "sessions_spawn")
    assert call is not None
    assert call[0] == "sessions_spawn"
    assert json.loads(call[1]) == {"task": "upgrader child 0a1b2c3d: say hi"}


def test_a_tool_hidden_behind_tool_call_is_called_through_it() -> None:
    _, _, call = answer({"messages": _user(PROBE), "tools": _offer("tool_search", "tool_call")})
    assert call is not None
    assert call[0] == "tool_call"
    assert json.loads(call[1])["id"] == "sessions_spawn"


def test_an_agent_without_the_tool_is_noticed() -> None:
    event, text, call = answer({"messages": _user(PROBE), "tools": _offer("read")})
    assert event.saw is Saw.NOT_OFFERED
    assert call is None
    assert text


def test_the_prompt_is_found_when_the_gateway_adds_a_message_of_its_own_behind_it() -> None:
    event, _, _ = answer({"messages": _user(PROBE, "runtime context: it is noon"), "tools": _offer("sessions_spawn")})
    assert event.saw is Saw.CALLED


def test_the_result_of_the_tool_is_kept_and_ends_the_turn() -> None:
    messages = [
        *_user(PROBE),
        {"role": "assistant", "content": None},
        {"role": "tool", "content": '{"status": "accepted"}'},
    ]
    event, _, call = answer({"messages": messages, "tools": _offer("sessions_spawn")})
    assert (event.saw, event.result) == (Saw.RESULT, '{"status": "accepted"}')
    assert call is None


def test_a_childs_turn_gets_text_and_is_counted_for_its_probe() -> None:
    event, _, call = answer({"messages": _user("[task] upgrader child 0a1b2c3d: say hi"), "tools": _offer("sessions_spawn")})
    assert (event.saw, event.nonce, call) == (Saw.CHILD, "0a1b2c3d", None)


def test_a_later_turn_of_the_same_session_that_quotes_the_child_is_not_the_child() -> None:
    messages = [*_user(PROBE), {"role": "assistant", "content": "ok"}, *_user("done: upgrader child 0a1b2c3d: say hi")]
    event, _, call = answer({"messages": messages, "tools": _offer("sessions_spawn")})
    assert (event.saw, call) == (Saw.TEXT, None)


def test_content_in_parts_is_read_like_text() -> None:
    parts = [{"type": "text", "text": PROBE}]
    event, _, _ = answer({"messages": [{"role": "user", "content": parts}], "tools": _offer("sessions_spawn")})
    assert event.saw is Saw.CALLED


@pytest.mark.parametrize("stream", [True, False], ids=["streaming", "at once"])
def test_it_speaks_over_http_and_keeps_no_prompt(*, stream: bool, tmp_path: Path) -> None:
    journal = tmp_path / "events.jsonl"
    with serve(journal=journal) as stub:
        body = {"messages": _user(f"my diary. {PROBE}"), "tools": _offer("sessions_spawn"), "stream": stream}
        said = _ask(stub, body)
        assert stub.alive
        assert [e.saw for e in stub.events("0a1b2c3d")] == [Saw.CALLED]
    assert b"sessions_spawn" in said
    assert (b"[DONE]" in said) is stream
    assert "diary" not in journal.read_text()
    assert journal.stat().st_mode & 0o777 == 0o600
    assert not stub.alive


def test_another_token_than_its_own_is_refused_and_noticed() -> None:
    with serve() as stub:
        with pytest.raises(urllib.error.HTTPError) as refused:
            _ask(stub, {"messages": _user(PROBE)}, token="guessed")
        assert refused.value.code == 401
        refused.value.close()
        assert [e.saw for e in stub.events()] == [Saw.REFUSED]


def test_two_stubs_have_two_tokens() -> None:
    with serve() as one, serve() as other:
        assert one.token != other.token
        assert len(one.token) >= 32
