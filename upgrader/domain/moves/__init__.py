"""A move: its transaction and journal, the ports it works through, what a rollback settles, what changed behind our back."""
