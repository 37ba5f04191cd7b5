"""Compares two pairing stores, row by row and field by field. Pure.

An expected migration is no change: fields carry the same names in both eras, a field that a release adds counts for nothing,
and what ordinary use changes stands in the rules with its reason. An act of an operator is no fault; on a clone nobody acts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.pairing.observation import Act, ActKind, PairedDevice, PairingStore, Reach
from upgrader.domain.pairing.rules import PairingRules

_BACK = "`upgrader rollback` brings the former pairings back"
# Judged by checks of their own, not field by field.
_OWN_CHECKS = ("scopes", "approved_scopes", "roles")
_TOKEN_CHECKS = ("token", "scopes", "rotated_at_ms", "revoked_at_ms")


@dataclass(frozen=True)
class StoreChange:
    """Two stores of the same installation, by whose rules they are compared, and what is known of acts in between.

    `acts` are those that the log tells of; removals recorded in the stores come with the stores, and only new ones count.
    """

    before: PairingStore
    after: PairingStore
    rules: PairingRules
    reach: Reach
    acts: tuple[Act, ...] = ()

    @property
    def kept(self) -> tuple[tuple[PairedDevice, PairedDevice], ...]:
        """The devices in both, as they were and as they are."""
        pairs = ((old, self.after.device(old.device_id)) for old in self.before.paired)
        return tuple((old, new) for old, new in pairs if new is not None)

    def acted(self, kinds: tuple[ActKind, ...], device_id: str) -> bool:
        """Whether somebody did one of these to the device in between."""
        if self.reach is Reach.CLONE:
            return False
        earlier = {(a.kind, a.device_id, a.at_ms) for a in self.before.acts}
        return any(
            a.kind in kinds and a.device_id == device_id and (a.kind, a.device_id, a.at_ms) not in earlier
            for a in (*self.after.acts, *self.acts)
        )


def compare_stores(change: StoreChange) -> tuple[Judgement, ...]:
    """What is worse in the second store than in the first."""
    return (
        _own_identity(change),
        _rows_gone(change),
        _scopes_narrowed(change),
        _tokens_changed(change),
        _fields_changed(change),
        _scopes_widened(change),
        _rows_extra(change),
        _own_requests(change),
    )


def differences(change: StoreChange) -> tuple[str, ...]:
    """Every difference that ordinary use does not explain, as short words: for proving that a look changed nothing."""
    found = [f"row of {d.short} is gone" for d in change.before.paired if change.after.device(d.device_id) is None]
    found += [f"row of {d.short} is new" for d in change.after.paired if change.before.device(d.device_id) is None]
    for old, new in change.kept:
        was, now = dict(old.fields), dict(new.fields)
        changed = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
        found += [f"{new.short}: {name}" for name in changed if not change.rules.is_benign(name)]
    if _requests(change.before) != _requests(change.after):
        found.append("the waiting requests are others")
    was_own, own = change.before.own, change.after.own
    if (was_own and (was_own.device_id, was_own.tokens)) != (own and (own.device_id, own.tokens)):
        found.append("this machine's identity or token cache is another")
    return tuple(found)


def _own_identity(change: StoreChange) -> Judgement:
    check = "pairing.same.identity"
    was, now = change.before.own, change.after.own
    if was is None:
        return Judgement(check, Verdict.NOT_APPLICABLE, "there was no identity before")
    if now is None:
        return _fail(check, f"this machine's identity {was.device_id[:12]} is gone")
    if (was.device_id, was.public_key) != (now.device_id, now.public_key):
        return _fail(check, f"this machine was {was.device_id[:12]} and is {now.device_id[:12]} now")
    lost = [t.role for t in was.tokens if was.token(t.role) and now.token(t.role) is None]
    if lost:
        return _fail(check, f"this machine's cached token for {', '.join(lost)} is gone")
    return _pass(check, "this machine has the identity and the tokens it had")


def _rows_gone(change: StoreChange) -> Judgement:
    gone = [d for d in change.before.paired if change.after.device(d.device_id) is None]
    lost = [d.short for d in gone if not change.acted((ActKind.REMOVED, ActKind.PRUNED), d.device_id)]
    if lost:
        return _fail("pairing.same.rows", f"no longer paired, and nobody removed them: {', '.join(lost)}", lost)
    if gone:
        return _pass("pairing.same.rows", f"{len(gone)} removed on purpose, all others are still paired")
    return _pass("pairing.same.rows", f"all {len(change.before.paired)} devices are still paired")


def _scopes_narrowed(change: StoreChange) -> Judgement:
    lost = []
    for old, new in change.kept:
        lacking = _lacking(old, new, change.rules)
        roles = tuple(role for role in old.roles if role not in new.roles)
        acted = change.acted((ActKind.ROTATED, ActKind.REMOVED, ActKind.REVOKED), old.device_id)
        missing = tuple(dict.fromkeys((*lacking, *_tokens_lack(change, old, new), *roles)))
        if missing and not acted:
            lost.append(f"{new.short} lost {', '.join(missing)}")
    if lost:
        return _fail("pairing.same.scopes", "; ".join(lost), lost)
    return _pass("pairing.same.scopes", "no device lost a scope or a role")


def _tokens_lack(change: StoreChange, old: PairedDevice, new: PairedDevice) -> Iterator[str]:
    """Scopes that a token held and does not hold now; a live one that was rotated is another token."""
    for token in old.tokens:
        now = new.token(token.role)
        if now is not None and (now.rotated_ms == token.rotated_ms or change.reach is not Reach.LIVE):
            yield from change.rules.missing(token.scopes, now.scopes)


def _tokens_changed(change: StoreChange) -> Judgement:
    wrong = []
    for old, new in change.kept:
        for token in old.tokens:
            now = new.token(token.role)
            if now is None:
                if not change.acted((ActKind.REMOVED, ActKind.REVOKED), old.device_id):
                    wrong.append(f"the {token.role} token of {new.short} is gone")
            elif now.token != token.token and not _rotated(change, old, token.rotated_ms, now.rotated_ms):
                wrong.append(f"the {token.role} token of {new.short} is another, and nobody rotated it")
            elif now.revoked_ms is not None and token.revoked_ms is None and change.reach is Reach.CLONE:
                wrong.append(f"the {token.role} token of {new.short} was revoked by the release itself")
    if wrong:
        return _fail("pairing.same.tokens", "; ".join(wrong), wrong)
    return _pass("pairing.same.tokens", "every device's token is the one it was, or was rotated on purpose")


def _rotated(change: StoreChange, old: PairedDevice, was_ms: int | None, now_ms: int | None) -> bool:
    """A rotation is recorded with its time, also one that a client's silently approved wish for more scopes brings about."""
    return change.acted((ActKind.ROTATED,), old.device_id) or (now_ms is not None and now_ms != was_ms)


def _fields_changed(change: StoreChange) -> Judgement:
    changed = []
    for old, new in change.kept:
        now = dict(new.fields)
        names = [name for name, value in old.fields if now.get(name) != value and not _judged_elsewhere(change.rules, name)]
        if names:
            changed.append(f"{new.short}: {', '.join(names)}")
    if changed:
        return _fail("pairing.same.fields", f"recorded values changed: {'; '.join(changed)}", changed)
    return _pass("pairing.same.fields", "every recorded value that ordinary use leaves alone is as it was")


def _judged_elsewhere(rules: PairingRules, name: str) -> bool:
    parts = name.split(".")
    inner = len(parts) > 2 and parts[0] == "tokens"
    return rules.is_benign(name) or name in _OWN_CHECKS or (inner and parts[-1] in _TOKEN_CHECKS)


def _scopes_widened(change: StoreChange) -> Judgement:
    more = []
    for old, new in change.kept:
        gained = _lacking(new, old, change.rules)
        if gained:
            more.append(f"{new.short} gained {', '.join(gained)}")
    check = "pairing.same.widened"
    if more:
        return Judgement(check, Verdict.FAIL, "; ".join(more), "`openclaw devices list` shows what is granted", Need.WANTED)
    return Judgement(check, Verdict.PASS, "no device gained a scope", need=Need.WANTED)


def _rows_extra(change: StoreChange) -> Judgement:
    """On a clone nobody pairs: a new row is the release's doing, unless it is this machine's own."""
    own_id = change.after.own.device_id if change.after.own else ""
    extra = [d for d in change.after.paired if change.before.device(d.device_id) is None]
    strangers = [d.short for d in extra if d.device_id != own_id]
    need = Need.REQUIRED if change.reach is Reach.CLONE else Need.WANTED
    if strangers:
        why = f"newly paired: {', '.join(strangers)}"
        return Judgement("pairing.same.extra", Verdict.FAIL, why, "`openclaw devices remove ID` if nobody knows it", need)
    return Judgement("pairing.same.extra", Verdict.PASS, "no unknown device was paired", need=need)


def _own_requests(change: StoreChange) -> Judgement:
    """A new request of this machine's own, already paired identity: one of its clients was refused since."""
    own = change.after.own
    known = {r.request_id for r in change.before.pending}
    was_asking = any(own and r.device_id == own.device_id for r in change.before.pending)
    fresh = [r for r in change.after.pending if own and r.device_id == own.device_id and r.request_id not in known]
    if fresh and not was_asking and change.before.own_device is not None:
        asked = ", ".join(fresh[0].scopes) or "its pairing"
        return _fail("pairing.same.requests", f"a client of this machine was refused and now waits for {asked}")
    return _pass("pairing.same.requests", "no client of this machine was refused since")


def _lacking(old: PairedDevice, new: PairedDevice, rules: PairingRules) -> tuple[str, ...]:
    """What the second record holds no longer, in either of its lists; one that was not kept before counts for nothing."""
    baseline = new.scopes if new.approved_scopes is None else new.approved_scopes
    lost = (*rules.missing(old.scopes, new.scopes), *rules.missing(old.approved_scopes or (), baseline))
    return tuple(dict.fromkeys(lost))


def _requests(store: PairingStore) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset((r.request_id, r.scopes) for r in store.pending)


def _fail(check: str, why: str, about: Sequence[str] = ()) -> Judgement:
    return Judgement(check, Verdict.FAIL, why, _BACK, about=tuple(about))


def _pass(check: str, why: str) -> Judgement:
    return Judgement(check, Verdict.PASS, why)
