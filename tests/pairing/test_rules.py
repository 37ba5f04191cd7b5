"""The rules of the releases: what covers what, who is held against a record, what is approved silently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pairing.stores import KNOWLEDGE
from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.observation import ClientKind
from upgrader.domain.pairing.rules import Baseline, Implication, ScopeUpgrade, satisfied
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import era_of, era_of_state

SCOPES = (
    "operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing", "operator.talk",
    "operator.sessions.read", "operator.sessions.write", "operator.talk.secrets", "node.exec",
)  # fmt: skip
scopes = st.lists(st.sampled_from(SCOPES), unique=True).map(tuple)
implications = st.sampled_from(Implication)


@given(asked=st.sampled_from(SCOPES), granted=scopes, more=scopes, implication=implications)
def test_more_granted_never_covers_less(
    asked: str, granted: tuple[str, ...], more: tuple[str, ...], implication: Implication
) -> None:
    if satisfied(asked, granted, implication):
        assert satisfied(asked, (*granted, *more), implication)


@given(granted=scopes, implication=implications)
def test_what_is_granted_literally_is_covered_by_every_rule(granted: tuple[str, ...], implication: Implication) -> None:
    assert all(satisfied(scope, granted, implication) for scope in granted)


@given(asked=st.sampled_from(SCOPES), granted=scopes)
def test_each_later_rule_covers_at_least_what_the_one_before_does(asked: str, granted: tuple[str, ...]) -> None:
    none, middle, latest = (satisfied(asked, granted, rule) for rule in Implication)
    assert none <= middle <= latest


@given(granted=scopes, implication=implications)
def test_admin_never_covers_a_scope_of_another_role(granted: tuple[str, ...], implication: Implication) -> None:
    operators = tuple(scope for scope in granted if scope.startswith("operator."))
    assert not satisfied("node.exec", operators, implication)


@pytest.mark.parametrize(
    ("asked", "granted", "releases"),
    [
        ("operator.read", "operator.admin", {"2026.2.22", "2026.9.6"}),
        ("operator.read", "operator.write", {"2026.2.22", "2026.9.6"}),
        ("operator.write", "operator.read", set()),
        ("operator.talk", "operator.write", {"2026.9.6"}),
        ("operator.sessions.read", "operator.read", {"2026.9.6"}),
        ("operator.sessions.read", "operator.sessions.write", {"2026.9.6"}),
        ("operator.pairing", "operator.write", set()),
    ],
)
def test_implications_are_those_of_the_release(asked: str, granted: str, releases: set[str]) -> None:
    known = ("2026.2.17", "2026.2.19", "2026.2.22", "2026.9.6")
    assert {v for v in known if not KNOWLEDGE.rules(Version(v)).missing((asked,), (granted,))} == releases


@pytest.mark.parametrize(
    ("release", "upgrade", "baseline", "era"),
    [
        ("2026.2.17", ScopeUpgrade.SILENT_LOCAL, Baseline.SCOPES, PairingEra.FILES),
        ("2026.2.19", ScopeUpgrade.REFUSED, Baseline.SCOPES, PairingEra.FILES),
        ("2026.2.19-2", ScopeUpgrade.REFUSED, Baseline.SCOPES, PairingEra.FILES),
        ("2026.2.21", ScopeUpgrade.REFUSED, Baseline.SCOPES_FIRST, PairingEra.FILES),
        ("2026.2.22", ScopeUpgrade.SILENT_LOCAL, Baseline.SCOPES_FIRST, PairingEra.FILES),
        ("2026.3.13", ScopeUpgrade.SILENT_LOCAL, Baseline.SCOPES_FIRST, PairingEra.FILES),
        ("2026.4.15", ScopeUpgrade.REFUSED, Baseline.APPROVED_FIRST, PairingEra.FILES),
        ("2026.7.1", ScopeUpgrade.REFUSED, Baseline.APPROVED_FIRST, PairingEra.FILES),
        ("2026.7.35", ScopeUpgrade.REFUSED, Baseline.APPROVED_FIRST, PairingEra.FILES),
        ("2026.7.2-beta.7", ScopeUpgrade.SILENT_WITH_SHARED_AUTH, Baseline.APPROVED_FIRST, PairingEra.SQLITE),
        ("2026.9.6", ScopeUpgrade.SILENT_WITH_SHARED_AUTH, Baseline.APPROVED_FIRST, PairingEra.SQLITE),
    ],
)
def test_each_release_has_the_rules_of_its_range(
    release: str, upgrade: ScopeUpgrade, baseline: Baseline, era: PairingEra
) -> None:
    rules = KNOWLEDGE.rules(Version(release))
    assert (rules.scope_upgrade, rules.baseline, rules.era) == (upgrade, baseline, era)


@pytest.mark.parametrize(
    ("release", "judged"),
    [
        ("2026.2.19", {"cli", "backend-read", "backend-write", "tui", "control-ui", "acp", "probe"}),
        ("2026.2.22", {"control-ui"}),
        ("2026.3.13", {"tui", "control-ui", "acp"}),
        ("2026.5.12", {"cli", "tui", "control-ui", "acp", "probe"}),
        ("2026.9.6", {"tui", "control-ui", "acp"}),
    ],
)
def test_only_clients_that_show_an_identity_are_held_against_the_record(release: str, judged: set[str]) -> None:
    assert {ask.kind.value for ask in KNOWLEDGE.rules(Version(release)).asks if ask.judged} == judged


def test_agents_ask_for_the_scope_of_the_method_from_2_19_on() -> None:
    def write(release: str) -> tuple[str, ...]:
        asks = KNOWLEDGE.rules(Version(release)).asks
        return next(ask.scopes for ask in asks if ask.kind is ClientKind.BACKEND_WRITE)

    assert write("2026.2.17") == ("operator.admin", "operator.approvals", "operator.pairing")
    assert write("2026.2.19") == ("operator.write",)


def test_every_benign_field_has_its_reason() -> None:
    for release in ("2026.2.17", "2026.9.6"):
        rules = KNOWLEDGE.rules(Version(release))
        assert all(benign.reason for benign in rules.benign)
        assert rules.is_benign("tokens.operator.last_used_at_ms")
        assert not rules.is_benign("tokens.operator.token")
        assert not rules.is_benign("public_key")


def test_tables_alone_do_not_make_the_sqlite_era() -> None:
    assert era_of_state(1) is PairingEra.FILES
    assert era_of_state(None) is PairingEra.FILES
    assert era_of_state(15) is PairingEra.SQLITE
    assert era_of(Version("2026.7.34")) is PairingEra.FILES
