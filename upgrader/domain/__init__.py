"""Pure: frozen values and the rules over them, grouped by subject.

Here itself lies what all subjects share: versions, checks, outcomes, ports, secrets, and what single commands tell.
"""
