"""One OpenClaw on this machine: which one is meant, what is known of it, who else is around it, and who asks."""
