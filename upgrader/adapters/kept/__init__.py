"""What is kept so that there is a way back: slots, snapshots and the standby, each with its record; how two stopped states
compare; and what of all that may go.
"""
