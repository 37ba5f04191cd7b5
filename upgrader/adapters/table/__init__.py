"""The evidence table as files: read, checked key by key, built into values, renewed from a genuine source."""
