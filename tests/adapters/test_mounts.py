"""Mounts are known, those of the same file system too, and no removal goes through one."""

import subprocess
import sys
from pathlib import Path

import pytest

from upgrader.adapters.files.mounts import is_mount_point
from upgrader.adapters.files.tree import remove_tree
from upgrader.adapters.files.trees import remove

LOOK = """
import sys
from pathlib import Path
from upgrader.adapters.files.mounts import MountInside, is_mount_point
from upgrader.adapters.files.tree import remove_tree
from upgrader.adapters.files.trees import remove
tree, place = Path(sys.argv[1]), Path(sys.argv[2])
assert is_mount_point(place) and not is_mount_point(tree)
for removal in (remove, remove_tree):
    try:
        removal(tree)
    except MountInside as refused:
        assert str(place) in refused.why
        continue
    sys.exit("it was removed")
"""


def test_what_is_mounted_in_a_tree_outlives_its_removal(tmp_path: Path) -> None:
    """A workspace on a disk of its own may stand in a state that was set aside."""
    assert is_mount_point(Path("/proc"))
    tree, precious = tmp_path / "set aside", tmp_path / "disk"
    (tree / "a workspace").mkdir(parents=True)
    precious.mkdir()
    (precious / "notes.md").write_text("mine")
    mounting = 'mount --bind "$1" "$2" && exec "$3" -c "$4" "$5" "$2"'
    place = str(tree / "a workspace")
    words = ("unshare", "--mount", "sh", "-c", mounting, "sh", str(precious), place, sys.executable, LOOK, str(tree))
    ran = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    if "mount" in ran.stderr and "Traceback" not in ran.stderr:
        pytest.skip(f"no mount namespace here: {ran.stderr}")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (precious / "notes.md").read_text() == "mine"
    remove(tree)
    assert not tree.exists()
    remove_tree(tree)
