"""What is known of each service that can be upgraded. There is one: OpenClaw."""
