"""All effects, grouped by what they touch. Each adapter implements a port of `upgrader.domain` or serves those that do."""
