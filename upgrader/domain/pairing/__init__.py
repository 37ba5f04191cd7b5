"""The pairing of devices and all that is seen of a gateway: the ports that look, what they saw, and by which rules a release
judges it. The judges are in `domain.checks`.
"""
