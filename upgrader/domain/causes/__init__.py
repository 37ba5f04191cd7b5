"""The causes a diagnosis knows: one small pure rule each, from a Scene to the causes it finds in it."""
