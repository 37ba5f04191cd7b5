"""The accept/refuse matrix: whom a gateway lets in, what it says to the others, and what that leaves in its store."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.world.contract.connecting import Answer, Attempt, knock
from tests.world.contract.plain import plain
from tests.world.devices import Device
from tests.world.processes import wait_until
from tests.world.world import World

READ, WRITE, ADMIN = "operator.read", "operator.write", "operator.admin"
APPROVALS, PAIRING = "operator.approvals", "operator.pairing"
_DEVICE_IN_TOKEN = ("2026.2.17", "2026.2.19")  # these know no field deviceToken
_WRONG = "w" * 43


@dataclass(frozen=True)
class Case:
    """One line of the matrix.

    `auth` lists what is presented: shared, wrong-shared, device, wrong-device. `record` makes the stored record of the
    device (None: unknown to the gateway), `known` says whether a device identity is presented at all.
    """

    name: str
    auth: tuple[str, ...] = ("shared",)
    known: bool = True
    record: Callable[[dict[str, Any]], None] | None = None
    stored: tuple[str, ...] | None = None
    change: dict[str, Any] = field(default_factory=dict)


def _approved_less(record: dict[str, Any]) -> None:
    record["approvedScopes"] = [READ]


def _token_more(record: dict[str, Any]) -> None:
    record["tokens"]["operator"]["scopes"] = [READ, WRITE]


def _revoked(record: dict[str, Any]) -> None:
    record["tokens"]["operator"]["revokedAtMs"] = record["createdAtMs"] + 1


def _tokenless(record: dict[str, Any]) -> None:
    record["tokens"] = {}


_CLI = {"client_id": "cli", "client_mode": "cli"}
_NODE = {"client_id": "node-host", "client_mode": "node", "role": "node", "scopes": ()}
_TWO = (READ, WRITE)
_OLD = (ADMIN, APPROVALS, PAIRING)
_FIVE = (ADMIN, APPROVALS, PAIRING, READ, WRITE)

CASES = (
    # nobody known presents himself
    Case("shared token, no identity, backend", known=False),
    Case("shared token, no identity, cli", known=False, change=_CLI),
    Case("nothing at all", auth=(), known=False),
    Case("wrong shared token, no identity", auth=("wrong-shared",), known=False),
    Case("wrong shared token, no identity, cli", auth=("wrong-shared",), known=False, change=_CLI),
    Case("probe without scopes", known=False, change={"client_id": "cli", "client_mode": "probe", "scopes": ()}),
    # a device the gateway has never seen
    Case("shared token, new device, backend"),
    Case("shared token, new device, cli", change={**_CLI, "scopes": (ADMIN, APPROVALS, PAIRING)}),
    Case("shared token, new device, node", change=_NODE),
    Case("no token, new device", auth=()),
    Case("wrong shared token, new device", auth=("wrong-shared",)),
    Case("device token nobody issued, new device", auth=("wrong-device",)),
    # a paired device with its own token
    Case("own token", auth=("device",), stored=(READ,)),
    Case("own token in the place of the shared one", auth=("device-as-shared",), stored=(READ,)),
    Case("own token, cli", auth=("device",), stored=(READ,), change=_CLI),
    Case("another token than its own", auth=("wrong-device",), stored=(READ,)),
    Case("own token, revoked", auth=("device",), stored=(READ,), record=_revoked),
    Case("own token, no token in the record", auth=("device",), stored=(READ,), record=_tokenless),
    Case("own token, more scopes than approved", auth=("device",), stored=(READ,), change={"scopes": _TWO}),
    Case("own token, more scopes than approved, cli", auth=("device",), stored=(READ,), change={**_CLI, "scopes": _TWO}),
    Case("own token, write implies read", auth=("device",), stored=(WRITE,)),
    Case("own token, admin implies write", auth=("device",), stored=(ADMIN,), change={"scopes": (WRITE,)}),
    Case("own token, its scopes beyond the baseline", auth=("device",), stored=(READ,), record=_token_more),
    Case(
        "own token, approved less than the record says",
        auth=("device",),
        stored=(READ, WRITE),
        record=_approved_less,
        change={"scopes": (WRITE,)},
    ),
    Case("own token, another platform", auth=("device",), stored=(READ,), change={"platform": "darwin"}),
    Case("own token, as a node", auth=("device",), stored=(READ,), change=_NODE),
    # a paired device with the shared token
    Case("shared token, paired, same scopes", stored=(READ,)),
    Case("shared token, paired, same scopes, cli", stored=(READ,), change=_CLI),
    Case("shared token, paired, more scopes, backend", stored=(READ,), change={"scopes": _TWO}),
    Case("shared token, paired, more scopes, cli", stored=(READ,), change={**_CLI, "scopes": _TWO}),
    Case("shared token, paired by 2026.2.17, read, backend", stored=_OLD),
    Case("shared token, paired by 2026.2.17, write, backend", stored=_OLD, change={"scopes": (WRITE,)}),
    Case("shared token, paired by 2026.2.17, all five, cli", stored=_OLD, change={**_CLI, "scopes": _FIVE}),
    Case("shared token, paired, other role", stored=(READ,), change=_NODE),
    Case("shared token, paired, another platform, cli", stored=(READ,), change={**_CLI, "platform": "darwin"}),
    Case("shared token, paired, no token in the record, cli", stored=(READ,), record=_tokenless, change=_CLI),
    Case("both tokens, more scopes", auth=("shared", "device"), stored=(READ,), change={"scopes": _TWO}),
    Case("wrong shared token, paired", auth=("wrong-shared",), stored=(READ,)),
    # the proof of the identity
    Case("signature v1", stored=(READ,), change={"signature": "v1"}),
    Case("signature v2", stored=(READ,), change={"signature": "v2"}),
    Case("signature v3", stored=(READ,), change={"signature": "v3"}),
    Case("signature of another key", stored=(READ,), change={"spoil": "signature"}),
    Case("id of another key", stored=(READ,), change={"spoil": "id"}),
    Case("public key of another device", stored=(READ,), change={"spoil": "key"}),
    Case("nonce of another challenge", stored=(READ,), change={"spoil": "nonce"}),
    Case("proof three minutes old", stored=(READ,), change={"age_ms": 180_000}),
    Case("proof eleven minutes old", stored=(READ,), change={"age_ms": 660_000}),
    Case("wrong proof and wrong token", auth=("wrong-device",), stored=(READ,), change={"spoil": "signature"}),
    # the frame
    Case("a role there is none of", known=False, change={"role": "king", "scopes": ()}),
    Case("a key nobody knows", known=False, change={"extra": {"unheard": 1}}),
    Case("protocol 3", known=False, change={"protocol": (3, 3)}),
    Case("protocol 4", known=False, change={"protocol": (4, 4)}),
    Case("protocol 3 to 4", known=False, change={"protocol": (3, 4)}),
    Case("protocol 9", known=False, change={"protocol": (9, 9)}),
)


def matrix(world: World, protocol: int) -> dict[str, dict[str, Any]]:
    """Every case, each with a device of its own, on the running gateway of this world."""
    return {case.name: observe(world, protocol, case) for case in CASES}


def observe(world: World, protocol: int, case: Case) -> dict[str, Any]:
    """One case: the answer, the store before and after, and what the log says of it."""
    device = Device.new(case.name, "gateway-client", "backend", scopes=case.stored or (READ,)) if case.known else None
    if device and case.stored is not None:
        record = device.record()
        if case.record:
            case.record(record)
        world.pair_record(record)
    before, waiting, mark = world.devices(), world.pending(), world.log_mark()
    answer = knock(_attempt(world, protocol, case, device))
    seen = _told(answer, before.get(device.id) if device else None)
    refused = answer.hello is None
    if refused:
        wait_until(lambda: _log_of(world, mark), f"a log line for {case.name}", 10)
        seen["log"] = _log_of(world, mark)
    if device:
        world.settle()
        seen["record"] = _change(before.get(device.id), world.devices().get(device.id))
        new = [request for name, request in world.pending().items() if name not in waiting]
        seen["pending"] = [_request(request) for request in new]
    return seen


def _attempt(world: World, protocol: int, case: Case, device: Device | None) -> Attempt:
    own = device.token if device else ""
    place = "token" if world.version in _DEVICE_IN_TOKEN else "deviceToken"
    offers = {
        "shared": ("token", world.token),
        "wrong-shared": ("token", _WRONG),
        "device-as-shared": ("token", own),
        "device": (place, own),
        "wrong-device": (place, _WRONG),
    }
    auth: dict[str, str] = {}
    for what in reversed(case.auth):
        auth.update([offers[what]])
    signed = auth.get("token", auth.get("deviceToken", ""))
    plainly = Attempt(world.port, (protocol, protocol), auth, device, signed)
    return replace(plainly, **case.change)


def _told(answer: Answer, record: dict[str, Any] | None) -> dict[str, Any]:
    if answer.hello is None:
        error = answer.error or {}
        details = {k: v for k, v in (error.get("details") or {}).items() if k != "remediationHint"}
        refusal = {"answer": "refused", "error": {**error, "details": details}, "close": answer.close and list(answer.close)}
        return dict(plain(refusal))
    auth = answer.hello.get("auth") or {}
    seen: dict[str, Any] = {"answer": "accepted"}
    for name in ("method", "role", "scopes"):
        if name in auth:
            seen[name] = auth[name]
    seen["token"] = _token_news(auth.get("deviceToken"), record)
    return seen


def _token_news(given: str | None, record: dict[str, Any] | None) -> str:
    if given is None:
        return "none"
    kept = [token["token"] for token in _tokens(record or {}).values()]
    return "kept" if given in kept else "new"


def _tokens(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if "tokens_json" in record:
        return dict(json.loads(record["tokens_json"] or "{}"))
    return dict(record.get("tokens") or {})


def _change(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """What a connect left: rights in full, of everything else only that it changed."""
    if before is None and after is None:
        return {"known": "no"}
    old, new = before or {}, after or {}
    rights = {"scopes": _list(new, "scopes"), "approved": _list(new, "approvedScopes", "approved_scopes_json")}
    changed = sorted(
        _name(key) for key in {*old, *new} if _read(old.get(key)) != _read(new.get(key)) and _name(key) not in _TIMES
    )
    tokens = {role: sorted(token["scopes"]) for role, token in sorted(_tokens(new).items())}
    return {"known": "yes" if before else "new", "changed": changed if before else [], **rights, "tokens": tokens}


_TIMES = {"lastSeenAtMs", "approvedAtMs", "lastSeenReason", "pendingNodeSurface", "tokens", "deviceFamily"}


def _read(value: Any) -> Any:
    """JSON columns by their meaning: blanks in it are no change."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.loads(value)
    return value


def _name(column: str) -> str:
    """device_id -> deviceId, scopes_json -> scopes: one name for both eras."""
    first, *rest = column.removesuffix("_json").split("_")
    return first + "".join(part.capitalize() for part in rest)


def _list(record: dict[str, Any], *names: str) -> list[str] | None:
    for name in (*names, *(f"{n}_json" for n in names)):
        if record.get(name) is not None:
            value = record[name]
            return sorted(json.loads(value) if isinstance(value, str) else value)
    return None


def _request(request: dict[str, Any]) -> dict[str, Any]:
    scopes = _list(request, "scopes")
    repair = request.get("isRepair", request.get("is_repair"))
    silent = request.get("silent")
    return {"role": request.get("role"), "scopes": scopes, "repair": bool(repair), "silent": bool(silent)}


def _log_of(world: World, mark: int) -> list[list[str]]:
    """The gateway's words on a refusal: [level, first words, cause or reason], only of connects."""
    found = []
    for line in world.log_since(mark):
        message = line.message
        for start in ("unauthorized", "protocol mismatch", "closed before connect", "security audit"):
            if message.startswith(start):
                found.append([line.level, start, line.field("cause") or line.word("reason") or ""])
    return found if any(words == "closed before connect" for _, words, _ in found) else []
