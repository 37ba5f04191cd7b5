"""One real agent turn on the live gateway, asked for by the person: with their own model, in a session of its own.

`openclaw agent` with --agent, --session-id, --message and --timeout: in the help of 2026.2.17 and of 2026.9.6; run through the
gateway it ends 0, and a gateway it cannot use shows as a fall-back to an embedded run (clone_runs.ran_embedded).
"""

SESSION = "upgrader-live-probe"
COST = f"it asks your own model a short question, costs what that costs, and stays in session {SESSION}"
SECONDS = 180


def arguments(agent: str) -> tuple[str, ...]:
    """The turn, by the default agent."""
    message = "A check of this installation after maintenance. Reply with the single word ready and use no tool."
    return ("agent", "--agent", agent, "--session-id", SESSION, "--message", message, "--timeout", str(SECONDS))
