"""Where OpenClaw keeps what: installs, state, configuration, locks; what each path is for, and what on it acts on the world."""
