"""`upgrader upgrade`, `rollback` and `restore`: from the proof to the cutover and the commit, and the way back."""
