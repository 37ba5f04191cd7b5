"""What a migration lost or changed, from two looks; and what of it decides."""

from upgrader.domain.canary.contents import Contents, Leaf, Plugin, Rows, migration
from upgrader.domain.check import Need, Verdict
from upgrader.domain.checks.migration import judge
from upgrader.services.openclaw.canary.contents import config_leaves, credential_names, plugins

BEFORE = Contents(
    schemas=(("state/openclaw.sqlite", 17),),
    rows=(Rows("s", "cron_jobs", 4), Rows("s", "empty", 0), Rows("s", "grown", 1)),
    credentials=("openai-codex:default", "xai:mine"),
    plugins=(Plugin("notes", True, "1.0", False), Plugin("core", True, "2026.9.5", True), Plugin("off", False, "", True)),
    config=(Leaf("a.b", "1"), Leaf("c", "2")),
)


def test_two_equal_looks_lose_nothing() -> None:
    assert all(j.verdict is Verdict.PASS for j in judge(migration(BEFORE, BEFORE)))


def test_every_loss_is_named() -> None:
    after = Contents(
        schemas=(("state/openclaw.sqlite", 18),),
        rows=(Rows("s", "cron_jobs", 1), Rows("s", "grown", 3), Rows("s", "new", 2)),
        credentials=("openai:default", "xai:mine"),
        plugins=(Plugin("notes", True, "2.0", False), Plugin("core", False, "2026.9.6", True)),
        config=(Leaf("c", "3"), Leaf("d", "4")),
    )
    found = migration(BEFORE, after)
    assert [(s.before, s.after) for s in found.schemas] == [(17, 18)]
    assert [t.table for t in found.shrunk] == ["cron_jobs"]
    assert (found.config_lost, found.config_changed) == (("a.b",), ("c",))
    assert (found.plugins_lost, found.plugins_changed) == (("core",), ("notes 1.0 → 2.0",))
    assert found.credentials_lost == ("openai-codex:default",)
    assert {j.check: j.need for j in judge(found)}["migration.credentials"] is Need.WANTED  # renamed, and others are left


def test_accounts_of_which_none_is_left_decide() -> None:
    lost = judge(migration(BEFORE, Contents()))[0]
    assert (lost.check, lost.verdict, lost.need) == ("migration.credentials", Verdict.FAIL, Need.REQUIRED)


def test_names_are_read_and_never_values() -> None:
    assert credential_names(b'{"profiles": {"a:b": {"key": "secret"}}}') == ("a:b",)
    assert credential_names(b"no json") == ()
    assert plugins(b'{"index": {"plugins": [{"pluginId": "x", "enabled": true, "origin": "bundled"}, 3]}}') == (
        Plugin("x", True, "", True),
    )
    leaves = config_leaves(b"{ a: [1, {b: 'secret'}], meta: {lastTouchedVersion: 'x'}, empty: {} } // comment")
    assert [leaf.path for leaf in leaves] == ["a.0", "a.1.b", "empty"]
    assert not any("secret" in leaf.digest for leaf in leaves)
