"""What a person decided and what was overridden: pins, settings, history."""
