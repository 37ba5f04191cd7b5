"""`upgrader canary`, and the proof before an upgrade: courses on clones, the control run that says whose a failure is, the
probes of a round, and canaries that are kept or held.
"""
