"""Speaking with a gateway: its WebSocket, its HTTP probes, OpenClaw's command line, and waiting until it is ready or idle."""
