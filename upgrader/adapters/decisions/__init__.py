"""What a person decided and what was done, in files of our own: pins, settings, saved plans, a canary's budgets, the history;
and the one switch of OpenClaw's own that a decision turns.
"""
