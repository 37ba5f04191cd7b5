"""A rollback that dies half way is taken back: what people and remote parties wrote last is all there."""

import pytest

from tests.crash.walk import killed
from tests.world.world import World


@pytest.mark.timeout(300)
def test_a_rollback_killed_while_the_state_is_exchanged_loses_no_word_of_the_newer_one(world: World) -> None:
    """Before, right after and well after the exchange: the workspace is the same directory, logins are the newest."""
    report = world.root / "report"
    assert killed(world, 0, report, "upgrade", "2026.9.6") == 0
    notes, login = world.state / "workspace" / "notes.md", world.state / "credentials" / "whatsapp" / "creds.json"
    for file in (notes, login):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("the newest")
    inode = notes.parent.stat().st_ino
    for moment in ("before exchange@intend restore", "after exchange@intend restore", "entry durable@done restore"):
        assert killed(world, moment, report, "rollback") == -9
        said = world.run("--json", "status")
        assert (said.exit_code, said.json["data"]["open_move"]) == (0, None), said.text
        assert (world.version, world.schema(), world.serving_version()) == ("2026.9.6", 18, "2026.9.6")
        assert (notes.read_text(), login.read_text()) == ("the newest", "the newest"), moment
        assert notes.parent.stat().st_ino == inode
