"""OpenClaw's log: its lines as events, known signatures, and what each means in a phrase."""
