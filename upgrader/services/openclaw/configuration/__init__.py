"""openclaw.json: its text with includes and variables, the parts that decide something, and the edit of one value."""
