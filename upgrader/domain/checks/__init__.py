"""The judges: values in, judgements out. Gathered by probes before, told by the report after."""
