"""The evidence table: what is known of each release, whom it concerns, and what is wrong with a table."""
