"""A diagnosis and a repair: the scene that is judged, causes with what mends them, the two truths, a line for each client.
The rules are in `domain.causes`.
"""
