"""An npm registry over HTTP: bounded, cached, believed only for its signatures and the machine's trust."""
