"""What a repair changes while the gateway is stopped, and the records by which the next command finishes a killed one."""
