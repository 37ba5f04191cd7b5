"""Judges what a release made of the clone's state. Pure."""

from upgrader.domain.canary.contents import Migration
from upgrader.domain.check import Judgement, Need, Verdict

_SHOWN = 12


def judge(found: Migration) -> tuple[Judgement, ...]:
    """Accounts of which none is left decide; all else is told, each by name: a release may rename, move or drop on purpose."""
    accounts = ("stored accounts are gone", "all stored accounts are there")
    return (
        _lost("credentials", accounts, found.credentials_lost, Need.WANTED if found.accounts_left else Need.REQUIRED),
        _lost("rows", ("tables hold less than before", f"{found.compared} tables hold what they held"), _shrunk(found)),
        _lost("config", ("settings are gone", "all settings are there"), found.config_lost),
        _lost("config-changed", ("settings have another value", "settings are as they were"), found.config_changed),
        _lost("plugins", ("plugins no longer load", "enabled plugins are still enabled"), found.plugins_lost),
        _lost("plugin-versions", ("plugins have another version", "added plugins are as they were"), found.plugins_changed),
        _lost("skills", ("skills are gone or no longer load", "all skills are there"), found.skills_lost),
        _lost("skill-versions", ("added skills have another version", "added skills are as they were"), found.skills_changed),
    )


def _lost(check: str, said: tuple[str, str], names: tuple[str, ...], need: Need = Need.WANTED) -> Judgement:
    """`said`: of a loss, and of none."""
    if not names:
        return Judgement(f"migration.{check}", Verdict.PASS, said[1], need=need)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return Judgement(f"migration.{check}", Verdict.FAIL, f"{said[0]}: {', '.join(names[:_SHOWN])}{more}", need=need)


def _shrunk(found: Migration) -> tuple[str, ...]:
    return tuple(f"{t.table} {t.before} → {'gone' if t.after is None else t.after}" for t in found.shrunk)
