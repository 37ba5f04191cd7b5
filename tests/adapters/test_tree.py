"""Manifests and digests of trees."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from upgrader.adapters.files.tree import first_difference, make_read_only, remove_tree, write_manifest

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda name: name not in (".", "..")
)
TREES = st.recursive(st.binary(max_size=40), lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)
TOPS = st.dictionaries(NAMES, TREES, min_size=1, max_size=4)
Tree = bytes | dict[str, "Tree"]


def build(root: Path, tree: dict[str, Tree]) -> None:
    root.mkdir()
    for name, what in tree.items():
        if isinstance(what, bytes):
            (root / name).write_bytes(what)
        else:
            build(root / name, what)


def paths(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


@settings(max_examples=60, deadline=None)
@given(tree=TOPS, data=st.data())
def test_a_tree_equals_its_manifest_and_any_one_change_is_found_and_named(tree: dict[str, Tree], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as room:
        root, manifest = Path(room) / "tree", Path(room) / "manifest"
        build(root, tree)
        facts = write_manifest(root, (), manifest)
        assert first_difference(root, (), manifest, facts.digest) is None

        victim = data.draw(st.sampled_from(paths(root)))
        change = data.draw(st.sampled_from(["remove", "mode", "add beside", "content"]))
        expected = victim
        if change == "remove":
            shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
        elif change == "mode":
            victim.chmod(0o750 if victim.is_dir() else 0o640)
        elif change == "add beside" or victim.is_dir():
            expected = victim.with_name(f"{victim.name}+")
            expected.touch()
        else:
            victim.write_bytes(victim.read_bytes() + b"x")
        found = first_difference(root, (), manifest, facts.digest)
        assert found is not None
        assert found.path == str(expected.relative_to(root))


@settings(max_examples=30, deadline=None)
@given(tree=TOPS)
def test_the_digest_depends_on_the_tree_alone_and_not_on_where_or_in_what_order_it_was_made(tree: dict[str, Tree]) -> None:
    with tempfile.TemporaryDirectory() as room:
        one, other = Path(room) / "one", Path(room) / "other"
        build(one, tree)
        build(other, dict(reversed(tree.items())))
        made = [write_manifest(root, (), Path(room) / "manifest") for root in (one, other)]
        assert made[0] == made[1]


def test_links_count_by_their_target_and_are_not_followed(tmp_path: Path) -> None:
    root, manifest = tmp_path / "tree", tmp_path / "manifest"
    build(root, {"file": b"content"})
    (root / "link").symlink_to("/nowhere/at/all")
    facts = write_manifest(root, (), manifest)
    assert (facts.files, facts.size_bytes) == (2, 7)
    (root / "link").unlink()
    (root / "link").symlink_to("/nowhere/else")
    found = first_difference(root, (), manifest, facts.digest)
    assert found is not None
    assert found.path == "link"


def test_a_manifest_that_was_changed_itself_is_found(tmp_path: Path) -> None:
    root, manifest = tmp_path / "tree", tmp_path / "manifest"
    build(root, {"file": b"content"})
    facts = write_manifest(root, (), manifest)
    (root / "file").write_bytes(b"tampered")
    write_manifest(root, (), manifest)
    found = first_difference(root, (), manifest, facts.digest)
    assert found is not None
    assert "list of files itself" in found.what


def test_only_the_named_entries_count(tmp_path: Path) -> None:
    root, manifest = tmp_path / "tree", tmp_path / "manifest"
    build(root, {"kept": {"file": b"content"}, "record": b"1"})
    facts = write_manifest(root, ("kept",), manifest)
    (root / "record").write_bytes(b"2")
    assert first_difference(root, ("kept",), manifest, facts.digest) is None


def test_a_read_only_tree_can_be_removed_and_a_missing_one_too(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    build(root, {"inner": {"deep": {"file": b"content"}}})
    make_read_only(root)
    assert [path for path in [root, *paths(root)] if path.stat().st_mode & 0o222] == []
    remove_tree(root)
    remove_tree(root)
    assert not root.exists()
