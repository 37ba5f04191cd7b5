"""What is loaded before anything is asked: the front door is light, and the help loads no library that only a command needs."""

import subprocess
import sys

HEAVY = ("pydantic", "requests", "websockets", "cryptography", "psutil", "nodesemver", "rich.console")


def loaded_by(*words: str) -> tuple[str, frozenset[str]]:
    """What the command line says to these words, and the modules that are loaded then."""
    program = f"""
import atexit, sys
sys.argv = ["upgrader", *{words!r}]
atexit.register(lambda: print("LOADED", *sys.modules))
from upgrader.cli.start import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    said, _, modules = ended.stdout.partition("LOADED ")
    assert ended.returncode == 0, ended.stderr
    return said, frozenset(modules.split())


def test_the_version_is_told_before_typer_is_loaded() -> None:
    said, modules = loaded_by("--version")
    assert said.startswith("upgrader ")
    assert not {"typer", "upgrader.cli.app", "dataclasses"} & modules


def test_the_help_loads_nothing_that_only_a_command_needs() -> None:
    said, modules = loaded_by("--help")
    assert "plan" in said
    assert not set(HEAVY) & modules


def test_the_version_is_the_same_behind_other_options() -> None:
    assert loaded_by("--json", "--version")[0] == loaded_by("--version")[0]
