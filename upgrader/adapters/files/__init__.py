"""Files and trees, whatever they are for: durable writes, the exchange of two names, copies, walks, manifests, room on disk."""
