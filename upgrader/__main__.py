"""`python -m upgrader`."""

from upgrader.cli.app import main

main()
