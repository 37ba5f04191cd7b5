"""Node and its npm: binaries and where they come from, copies of our own, and npm's command, settings, cache and errors."""
