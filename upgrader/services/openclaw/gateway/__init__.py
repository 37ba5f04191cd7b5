"""A running gateway: how it is recognised, what its probes mean, the frames of a connect, and the requests over one."""
