"""What a canary lies on and leaves: clones of a snapshot and looks into them, the stand-in model its agents ask, reports kept
as proofs, and canaries a person keeps running. The place it runs in is `place`.
"""
