"""The disposable machine of `upgrader demo`: built, damaged from outside, and cleaned away."""
