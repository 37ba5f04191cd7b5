"""A rollback that is killed while it settles is made good by settling again."""

from collections.abc import Callable

import pytest

from tests.snapshots.pair import Pair
from tests.snapshots.stores import device, message, rows, run
from tests.snapshots.test_snapshots import contents
from upgrader.adapters.files.exchange import exchange

FAULTS = ("settler.perform", "settler.replace_durably", "workspaces.replace_durably", "workspaces.exchange",
          "files.replace_durably", "files.remove_durably", "files.sync_directory")  # fmt: skip


class Cut(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@pytest.mark.parametrize("place", FAULTS)
def test_a_restore_cut_off_before_it_was_settled_gives_the_newer_state_back_whole(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    workspace, keys, queue = (pair.live / name for name in ("workspace", "credentials", "delivery-queue"))
    for folder in (workspace, keys, queue):
        folder.mkdir()
        (folder / "old.json").write_text("old")
    message(pair.live, "older")
    pair.stop()
    (queue / "old.json").unlink()
    for folder in (workspace, keys):
        (folder / "old.json").write_text("new")
        (folder / "more.json").write_text("new")
    run(pair.live, "DELETE FROM delivery_queue_entries")
    message(pair.live, "newer")
    before, inode = contents(pair.live), workspace.stat().st_ino

    def cut(*_arguments: object) -> object:
        raise Cut

    pair.exchange()
    with monkeypatch.context() as patch:
        patch.setattr(f"upgrader.adapters.settling.{place}", cut)
        with pytest.raises(Cut):
            pair.settle("workspace")
    assert pair.roll_back("workspace") == ()
    assert (contents(pair.live), workspace.stat().st_ino) == (before, inode)


@pytest.mark.parametrize("place", FAULTS)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_kill_at_any_write_is_made_good_by_settling_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, place: str, side: str
) -> None:
    workspace, keys, queue = (pair.live / name for name in ("workspace", "credentials", "delivery-queue"))
    for folder in (workspace, keys, queue):
        folder.mkdir()
        (folder / "old.json").write_text("old")
    message(pair.live, "a")
    device(pair.live, "phone", "t")
    pair.stop()
    run(pair.live, "DELETE FROM delivery_queue_entries")
    message(pair.live, "b")
    device(pair.live, "phone", "t", revokedAtMs=7)
    (keys / "old.json").write_text("new")
    (keys / "more.json").write_text("new")
    (queue / "old.json").unlink()
    (workspace / "old.json").write_text("written after the upgrade")
    exchange(pair.live, pair.standby)
    assert cut_at_each_call(monkeypatch, place, side, lambda: pair.settle("workspace")) > 0
    assert (workspace / "old.json").read_text() == "written after the upgrade"
    assert rows(pair.live, "SELECT id FROM delivery_queue_entries") == [("b",)]
    assert {path.name: path.read_text() for path in keys.iterdir()} == {"old.json": "new", "more.json": "new"}
    assert list(queue.iterdir()) == []
    expected = {"outgoing message q/a", "outgoing message q/b", "operator token of device phone", "delivery-queue/old.json"}
    assert expected <= {item.what for item in pair.settle("workspace")}


def cut_at_each_call(monkeypatch: pytest.MonkeyPatch, place: str, side: str, settle: Callable[[], object]) -> int:
    """Settle, killed at the first call of `place`, then settle killed at the second, … until it ends. How many kills."""
    module, name = place.split(".")
    target = f"upgrader.adapters.settling.{module}.{name}"
    real = pytest.importorskip(f"upgrader.adapters.settling.{module}").__dict__[name]
    for kills in range(40):
        left = [kills]

        def cut(*arguments: object, left: list[int] = left) -> object:
            left[0] -= 1
            if left[0] < 0 and side == "before":
                raise Cut
            answer = real(*arguments)
            if left[0] < 0:
                raise Cut
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(target, cut)
            try:
                settle()
            except Cut:
                continue
            return kills
    raise AssertionError("it never ends")
