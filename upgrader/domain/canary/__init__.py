"""A canary as values: what it is asked, the clone and the place it runs in, the facts of its course, and what it says."""
