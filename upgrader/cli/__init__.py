"""The command line: one file for each command; what was typed becomes values, and values become an answer and an exit code."""
