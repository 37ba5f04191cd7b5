"""Judges a live or cloned gateway: readiness, handshakes, the real call, the log; and compares two looks at it. Pure."""

from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.checks.pairing import judge_store
from upgrader.domain.checks.pairing_change import StoreChange, compare_stores
from upgrader.domain.pairing.observation import (
    CALL_UNFINISHED,
    CallResult,
    Handshake,
    HandshakeResult,
    LogFinding,
    Observation,
    Reach,
    Weight,
)
from upgrader.domain.pairing.rules import PairingRules

_VERDICTS = {
    HandshakeResult.ACCEPTED: Verdict.PASS,
    HandshakeResult.REFUSED: Verdict.FAIL,
    HandshakeResult.ERROR: Verdict.INCONCLUSIVE,
    HandshakeResult.NOT_TRIED: Verdict.NOT_APPLICABLE,
}
_OF_PAIRING = "agent-pairing-required"
_RESTART = "`upgrader status` tells how to return; `openclaw gateway restart` goes over to what is installed"
_SHOW = "`upgrader diagnose` names the cause and the next command"


def judge(observation: Observation, rules: PairingRules) -> tuple[Judgement, ...]:
    """All judgements of one observation, by the rules of the release that runs or is to run."""
    judged = [*judge_store(observation.store, rules), _ready(observation)]
    if observation.running:
        judged += [_handshake(each) for each in observation.handshakes]
        judged += [_call(each) for each in observation.calls]
        judged.append(_version(observation))
    judged += [_log(each, observation) for each in observation.log]
    judged.append(_untouched(observation))
    return tuple(judged)


def compare(before: Observation, after: Observation, rules: PairingRules) -> tuple[Judgement, ...]:
    """What changed between two observations of one installation, by the rules of the release of the second.

    Judgements of one moment are not repeated here: `worse_than` compares those.
    """
    change = StoreChange(before.store, after.store, rules, after.reach, after.acts)
    return (*compare_stores(change), _same_auth(before, after), _same_policy(before, after))


def likeness(source: Observation, clone: Observation, rules: PairingRules) -> tuple[Judgement, ...]:
    """Whether a clone, before its first start, is the source: identity, rows, scopes, tokens, gateway auth, tool policy."""
    change = StoreChange(source.store, clone.store, rules, Reach.CLONE)
    required = (_same_auth(source, clone), _same_policy(source, clone))
    return (*compare_stores(change), *(Judgement(j.check, j.verdict, j.why, j.remedy) for j in required))


def _ready(observation: Observation) -> Judgement:
    if not observation.running:
        return Judgement("live.ready", Verdict.FAIL, "no gateway runs", "`openclaw gateway start` starts it")
    if observation.ready:
        return Judgement("live.ready", Verdict.PASS, observation.ready_detail or "it serves")
    return Judgement("live.ready", Verdict.FAIL, f"it is not ready: {observation.ready_detail}", "`upgrader status`")


def _handshake(seen: Handshake) -> Judgement:
    check = f"live.handshake.{seen.client}"
    match seen.result:
        case HandshakeResult.ACCEPTED:
            why = f"accepted with {', '.join(seen.scopes) or 'no scopes'}"
        case HandshakeResult.REFUSED:
            why = f"refused: {seen.code}, {seen.reason}"
        case _:
            why = seen.reason
    return Judgement(check, _VERDICTS[seen.result], why, _SHOW if seen.result is HandshakeResult.REFUSED else "")


def _call(seen: CallResult) -> Judgement:
    if seen.exit_code is None:
        return Judgement("live.call", Verdict.NOT_APPLICABLE, seen.summary)
    if seen.exit_code == 0:
        return Judgement("live.call", Verdict.PASS, f"`{seen.command}` was answered")
    if seen.exit_code == CALL_UNFINISHED:
        return Judgement("live.call", Verdict.INCONCLUSIVE, seen.summary, "look again: `upgrader verify`")
    return Judgement("live.call", Verdict.FAIL, f"`{seen.command}` ended with {seen.exit_code}: {seen.summary}", _SHOW)


def _version(observation: Observation) -> Judgement:
    """The gateway must be the release that is installed; 2.x calls itself `dev`."""
    said = {h.server_version for h in observation.handshakes if h.server_version[:4].isdigit()}
    if not said:
        return Judgement("live.version", Verdict.NOT_APPLICABLE, "the gateway does not say which release it is")
    if said == {str(observation.version)}:
        return Judgement("live.version", Verdict.PASS, f"the gateway is {observation.version}")
    why = f"the gateway says it is {', '.join(sorted(said))}, installed is {observation.version}"
    return Judgement("live.version", Verdict.FAIL, why, _RESTART)


def _log(seen: LogFinding, observation: Observation) -> Judgement:
    why = f"{seen.meaning} ({seen.count} times: {seen.sample})"
    is_past = seen.last_ms is not None and seen.last_ms < _written_ms(observation)
    mended = seen.signature == _OF_PAIRING and is_past
    why += "; before this machine's record was written anew" if mended else ""
    need = Need.REQUIRED if seen.weight is Weight.FAULT and not mended else Need.WANTED
    return Judgement(f"live.log.{seen.signature}", Verdict.FAIL, why, seen.remedy, need)


def _written_ms(observation: Observation) -> int:
    """When this machine's record got its newest token; a refusal of before is no fault of now."""
    device = observation.store.own_device
    times = [t for token in (device.tokens if device else ()) for t in (token.created_ms, token.rotated_ms) if t]
    return max(times, default=0)


def _untouched(observation: Observation) -> Judgement:
    """Looking must not change what is looked at. On a clone it may; a person may also pair a device in that very moment."""
    if observation.store_changed_by_probe and observation.reach is Reach.LIVE:
        why = "the pairing store was not the same before and after looking at it"
        return Judgement("live.untouched", Verdict.FAIL, why, "look again: `upgrader verify`", Need.WANTED)
    return Judgement("live.untouched", Verdict.PASS, "looking changed no pairing", need=Need.WANTED)


def _same_auth(before: Observation, after: Observation) -> Judgement:
    if before.gateway_auth == after.gateway_auth:
        return Judgement("live.same.auth", Verdict.PASS, "the gateway's own secret is the one it was")
    why = f"the gateway's own secret was {before.gateway_auth} and is {after.gateway_auth}"
    return Judgement("live.same.auth", Verdict.FAIL, why, "restore gateway.auth in openclaw.json")


def _same_policy(before: Observation, after: Observation) -> Judgement:
    """A doctor may rewrite the tool policy of an older form: told, and decided by the agents' turns on the clone."""
    if before.tool_policy == after.tool_policy:
        return Judgement("live.same.tools", Verdict.PASS, "the tool policy is the one it was", need=Need.WANTED)
    remedy = "compare `tools` in openclaw.json with its backup"
    return Judgement("live.same.tools", Verdict.FAIL, "the tool policy is another", remedy, Need.WANTED)
