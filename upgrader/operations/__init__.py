"""The story of each command over Protocols: a file of its own, or a subpackage where it takes several."""
