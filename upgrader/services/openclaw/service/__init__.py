"""The service around a gateway: its units, what they say part by part, and the ledger of OpenClaw's own updater."""
