"""Judges what a release made of the clone's state. Pure."""

from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.contents import Migration, TableChange

_SHOWN = 12


def judge(found: Migration) -> tuple[Judgement, ...]:
    """Losses of accounts decide; rows, configuration and plugins are told, each by name: a release may mean them."""
    return (
        _lost("migration.credentials", "stored accounts are gone", found.credentials_lost, Need.REQUIRED),
        _lost("migration.rows", "tables hold less than before", tuple(_shown(each) for each in found.shrunk)),
        _lost("migration.config", "settings are gone", found.config_lost),
        _lost("migration.config-changed", "settings have another value", found.config_changed),
        _lost("migration.plugins", "plugins no longer load", found.plugins_lost),
        _lost("migration.plugin-versions", "plugins have another version", found.plugins_changed),
    )


def _lost(check: str, said: str, names: tuple[str, ...], need: Need = Need.WANTED) -> Judgement:
    if not names:
        return Judgement(check, Verdict.PASS, f"no {said.replace(' are gone', ' lost')}", need=need)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return Judgement(check, Verdict.FAIL, f"{said}: {', '.join(names[:_SHOWN])}{more}", need=need)


def _shown(change: TableChange) -> str:
    after = "gone" if change.after is None else str(change.after)
    return f"{change.table} {change.before} → {after}"
