"""What a canary lies on and leaves: clones of a snapshot and looks into them, the stand-in model its agents ask, and reports
kept as proofs. The place it runs in is `place`.
"""
