"""What keeps a gateway alive: one file for each supervisor, and the parts of a systemd user unit."""
