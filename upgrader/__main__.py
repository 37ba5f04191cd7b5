"""`python -m upgrader`."""

from upgrader.cli.start import main

main()
