"""The front door. `--version` is answered here, before anything of the command line is loaded."""

import gc
import sys

from upgrader import __version__


def main() -> None:
    """Entry point of the program."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"upgrader {__version__}\n")
        return
    gc.set_threshold(200_000)  # loading makes thousands of lasting objects; looking through them every 700 takes a tenth
    from upgrader.cli.running import main as whole  # a hundred times what the line above costs

    whole()
