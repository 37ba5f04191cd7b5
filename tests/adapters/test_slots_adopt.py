"""Adopting what npm made, and the exchange that moves it aside and back."""

import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.slot_world import SlotWorld, installation_of, package
from tests.world.registry import FakeRegistry
from upgrader.adapters.files.exchange import exchange, exchange_back, file_id
from upgrader.adapters.moves.pointer import PackagePointer, drop_side, prepare_side, side_for
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import AdoptFailed, SlotDamaged, SlotOrigin
from upgrader.domain.moves.journal import ExchangeBack

OLD, NEW, LATER = "2026.3.1", "2026.3.2", "2026.3.7"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry.serving() as serving:
        for version in (NEW, LATER):
            serving.publish_files("openclaw", version, package(version))
        yield serving


@pytest.fixture
def world(tmp_path: Path, registry: FakeRegistry) -> SlotWorld:
    return SlotWorld(tmp_path, registry.url)


@pytest.fixture
def installation(world: SlotWorld) -> Installation:
    """A package as `npm i -g` leaves it: a directory at the pointer, a release that no registry has."""
    root = world.root / "prefix" / "lib" / "node_modules" / "openclaw"
    for name, content in package(OLD).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "node_modules" / ".bin").mkdir(parents=True)
    (root / "node_modules" / ".bin" / "self").symlink_to("../../openclaw.mjs")
    return installation_of(world, root)


def contents(root: Path) -> list[tuple[str, int, int, bytes]]:
    """Everything of a tree that could change: path, inode, mode, content."""
    found = []
    for path in sorted(root.rglob("*")):
        seen = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(seen.st_mode) else b""
        found.append((str(path.relative_to(root)), seen.st_ino, seen.st_mode, content))
    return found


def test_adopting_describes_the_tree_and_changes_nothing_of_it(world: SlotWorld, installation: Installation) -> None:
    root = installation.package.root
    before = contents(root)
    slot = world.store().adopt(installation)
    assert contents(root) == before
    assert (slot.origin, slot.version.text, slot.package_root) == (SlotOrigin.ADOPTED, OLD, root)
    assert slot.node.path.is_relative_to(world.data / "nodes")
    world.store().verify(slot)


def test_adopting_the_same_tree_again_gives_the_same_slot(world: SlotWorld, installation: Installation) -> None:
    slot = world.store().adopt(installation)
    assert world.store().adopt(installation) == slot
    assert world.store().list() == (slot,)


def test_a_tree_that_changed_since_is_another_slot(world: SlotWorld, installation: Installation) -> None:
    first = world.store().adopt(installation)
    (installation.package.root / "dist" / "index.js").write_text("// patched by hand\n")
    second = world.store().adopt(installation)
    assert second.id != first.id
    world.store().verify(second)
    with pytest.raises(SlotDamaged):
        world.store().verify(first)


def test_adopting_an_installation_that_is_a_slot_of_ours_gives_that_slot(world: SlotWorld) -> None:
    slot = world.stage(NEW)
    assert world.store().adopt(installation_of(world, slot.package_root)) == slot


def test_an_adopted_tree_is_found_at_the_side_and_returns_to_its_very_place(
    world: SlotWorld, installation: Installation
) -> None:
    pointer = installation.package.root
    adopted, target = world.store().adopt(installation), world.stage(NEW)
    before, was_live = contents(pointer), file_id(pointer)
    side = prepare_side(pointer, target, "one")
    undo = ExchangeBack(pointer, side, was_live)

    exchange(pointer, side)
    assert (pointer.resolve(), side.is_symlink()) == (target.package_root, False)
    assert contents(side) == before
    moved = world.store().find(adopted.id)
    assert moved == replace(adopted, package_root=side)
    world.store().verify(moved)

    assert exchange_back(undo) is True
    assert contents(pointer) == before
    assert file_id(pointer) == was_live
    assert world.store().find(adopted.id) == adopted
    drop_side(side)
    assert not side.exists()


def test_going_back_to_an_adopted_tree_exchanges_it_from_where_it_lies(world: SlotWorld, installation: Installation) -> None:
    pointer = installation.package.root
    adopted, target = world.store().adopt(installation), world.stage(NEW)
    exchange(pointer, prepare_side(pointer, target, "one"))
    later = world.store().find(adopted.id)
    assert later is not None
    side = prepare_side(pointer, later, "two")
    assert side == later.package_root == side_for(pointer, later, "two")
    exchange(pointer, side)
    assert not pointer.is_symlink()
    assert side.readlink() == target.package_root
    found = world.store().find(adopted.id)
    assert found is not None
    world.store().verify(found)


def test_from_slot_to_slot_the_side_is_a_link_both_before_and_after(world: SlotWorld, installation: Installation) -> None:
    pointer = installation.package.root
    first, second = world.stage(NEW), world.stage(LATER)
    exchange(pointer, prepare_side(pointer, first, "one"))
    side = prepare_side(pointer, second, "two")
    assert prepare_side(pointer, second, "two") == side  # harmless when it is ready
    exchange(pointer, side)
    assert (pointer.resolve(), side.resolve()) == (second.package_root, first.package_root)


def test_discarding_a_side_never_removes_a_tree(world: SlotWorld, installation: Installation) -> None:
    pointer = installation.package.root
    world.store().adopt(installation)
    side = prepare_side(pointer, world.stage(NEW), "one")
    exchange(pointer, side)
    PackagePointer().discard(side)
    assert (side / "package.json").is_file()


def test_an_adopted_tree_that_npm_removed_is_a_damaged_slot(world: SlotWorld, installation: Installation) -> None:
    slot = world.store().adopt(installation)
    shutil.rmtree(installation.package.root)
    with pytest.raises(SlotDamaged) as caught:
        world.store().verify(slot)
    assert "no longer at" in caught.value.why


def test_a_tree_that_cannot_be_read_is_a_clear_error(world: SlotWorld, installation: Installation) -> None:
    (installation.package.root / "package.json").unlink()
    with pytest.raises(AdoptFailed) as caught:
        world.store().adopt(installation)
    assert (caught.value.exit_code, "package.json" in caught.value.why) == (1, True)
    assert world.left() == []
