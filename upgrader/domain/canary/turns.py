"""An agent turn as a probe: what the model was seen to be asked, and how the turn ended."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

# Before each further try of a turn that was turned away by what is over a moment later (docs/openclaw-canary.md).
MOMENTS = tuple(timedelta(seconds=s) for s in (2, 6, 12))


class Saw(Enum):
    """What the stand-in model saw in one request."""

    CALLED = "called"  # a probe's turn: the tool call was given out
    RESULT = "result"  # the tool's answer came back
    CHILD = "child"  # the sub-agent or the other agent asked the model
    RETURNED = "returned"  # the agent that had spawned it was told the sub-agent's answer
    NOT_OFFERED = "not-offered"  # the agent has no such tool
    TEXT = "text"  # any other turn
    REFUSED = "refused"  # a wrong bearer token


@dataclass(frozen=True)
class ModelEvent:
    """One request. `nonce` and `tool` of the probe; `result` is what the probe's tool answered, cut at 4000 characters."""

    saw: Saw
    nonce: str = ""
    tool: str = ""
    result: str = ""


class TurnKind(Enum):
    """What an agent is asked to do."""

    PLAIN = "plain"
    SPAWN = "spawn"
    SEND = "send"


@dataclass(frozen=True)
class TurnProbe:
    """One turn to run: the agent, the message, and the tool it is to use (empty for a plain turn)."""

    kind: TurnKind
    agent: str
    nonce: str
    message: str
    tool: str = ""


@dataclass(frozen=True)
class TurnEnded:
    """How the asking for a turn ended, as a command would: `exit_code` None when it did not in time; `said` unredacted."""

    exit_code: int | None
    said: str


@dataclass(frozen=True)
class TurnSeen:
    """How one turn went. `events` are the model's of this nonce; `said` is the end of the command's output, redacted.

    `exit_code` is None when the command did not end in time. `status` and `error` are the tool's own answer. `embedded`:
    the command gave up on the gateway and ran the turn itself. `model_alive` is read after the turn. `passed_over` is what
    an earlier try of the same turn said that was over a moment later, empty when the first try counted. `held_up`: this one
    failed by such words too; nothing is known then of what the agent can do. `reply`: whether the other agent's
    answer came back, None where this release, or this turn, is not known to bring it.
    """

    probe: TurnProbe
    exit_code: int | None
    seconds: float
    events: tuple[ModelEvent, ...]
    said: str
    status: str = ""
    error: str = ""
    embedded: bool = False
    model_alive: bool = True
    passed_over: str = ""
    held_up: bool = False
    reply: bool | None = None
