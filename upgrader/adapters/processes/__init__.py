"""Processes: children and their limits, the table of all that run, what Linux shows of each, ports they listen on, signals."""
