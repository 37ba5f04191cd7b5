"""Plans what the operator did to pairing after the snapshot: it stays. Faults do not."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from upgrader.adapters.settling.sql import Change, columns_of, insert, mapping, row_json, told
from upgrader.domain.moves.settle import (
    Action,
    EffectKnowledge,
    Settled,
    TokenRuling,
    decide_token,
    removal_is_an_act,
)


def merged_tokens(
    knowledge: EffectKnowledge, shown: str, before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[dict[str, object], list[Settled]]:
    """A device's tokens by role as the operator wants them: what was rotated or revoked since stays so; and what is told."""
    merged = dict(before)
    items: list[Settled] = []
    for role, record in before.items():
        acts = knowledge.token_acts
        ruling = decide_token(acts(record), acts(after[role]) if role in after else None)
        if ruling is TokenRuling.KEEP:
            continue
        merged[role] = after[role]
        why = "revoked" if ruling is TokenRuling.REVOKE else "rotated"
        items.append(told(Action.REVOKED, f"{role} token of {shown}", f"it was {why} after the upgrade"))
    return merged, items


@dataclass(frozen=True)
class PairingPlanner:
    """Acts of the operator on pairing since the snapshot: they stay. Faults do not."""

    knowledge: EffectKnowledge
    before: sqlite3.Connection
    after: sqlite3.Connection

    def changes(self, listed: list[Settled]) -> list[Change]:
        """Changes of the pairing store; a row that vanished with no act recorded is only told: it stays restored."""
        sql = self.knowledge.pairing
        if not columns_of(self.before, sql.table) or not columns_of(self.after, sql.table):
            return []
        was, now = dict(self.before.execute(sql.devices)), dict(self.after.execute(sql.devices))
        dead_before, dead_after = self._tombstones(self.before), self._tombstones(self.after)
        found: list[Change] = []
        for device, tokens in was.items():
            shown = f"device {str(device)[:12]}"
            if device in now:
                found += self._tokens(str(device), shown, tokens, now[device])
            elif removal_is_an_act(dead_before.get(device), dead_after.get(device)):
                item = told(Action.REVOKED, shown, "it was removed after the upgrade, as the gateway recorded")
                at = dead_after[device]
                row = row_json(self.before, sql.table, "device_id = :device", {"device": device})
                found.append(Change(sql.remove, {"device": device}, item, row))
                found.append(Change(sql.entomb, {"device": device, "at": at}, item))
            else:
                listed.append(told(Action.LISTED, shown, "it vanished with no act recorded: a fault, so it stays paired"))
        found += self._new_devices(set(now) - set(was), listed)
        return found + self._own_tokens({str(c.parameters["device"]) for c in found if "device" in c.parameters}, now)

    def _tokens(self, device: str, shown: str, before: str, after: str) -> list[Change]:
        merged, items = merged_tokens(self.knowledge, shown, mapping(before), mapping(after))
        if not items:
            return []
        tokens = json.dumps(merged, separators=(",", ":"))
        first = Change(self.knowledge.pairing.set_tokens, {"device": device, "tokens": tokens}, items[0], before)
        return [first, *(Change("SELECT 1", {}, item) for item in items[1:])]

    def _new_devices(self, devices: set[object], listed: list[Settled]) -> list[Change]:
        table = self.knowledge.pairing.table
        columns = columns_of(self.before, table)
        found: list[Change] = []
        for device in sorted(map(str, devices)):
            shown = f"device {device[:12]}"
            if columns != columns_of(self.after, table):
                listed.append(told(Action.LISTED, shown, "paired after the upgrade, kept there in another form: pair it again"))
                continue
            row = self.after.execute(f"SELECT * FROM {table} WHERE device_id = ?", (device,)).fetchone()
            sql, parameters = insert(table, columns, row)
            item = told(Action.CARRIED, shown, "it was paired after the upgrade")
            found.append(Change(sql, {**parameters, "device": device}, item))
        return found

    def _own_tokens(self, devices: set[str], paired: dict[object, object]) -> list[Change]:
        """This machine's own cache goes with the pairing rows that were carried, or it would hold a dead token."""
        sql = self.knowledge.pairing
        try:
            was = {(r[0], r[1]): r[2] for r in self.before.execute(sql.own_tokens)}
            now = self.after.execute(sql.own_tokens).fetchall()
        except sqlite3.OperationalError:
            return []
        found: list[Change] = []
        for device, role, token, scopes, at in now:
            record = mapping(str(paired.get(device, "{}"))).get(role)
            accepted = isinstance(record, dict) and record.get("token") == token
            if device in devices and accepted and was.get((device, role)) != token:
                item = told(Action.CARRIED, f"own {role} token", "it belongs to the pairing that was carried")
                parameters = {"device": device, "role": role, "token": token, "scopes": scopes, "at": at}
                found.append(Change(sql.set_own, parameters, item))
        return found

    def _tombstones(self, connection: sqlite3.Connection) -> dict[object, int]:
        try:
            return {row[0]: int(row[1]) for row in connection.execute(self.knowledge.pairing.tombstones)}
        except sqlite3.OperationalError:
            return {}
