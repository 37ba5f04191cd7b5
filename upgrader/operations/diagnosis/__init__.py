"""`upgrader verify` and `upgrader diagnose`: what is observed of a gateway, how it is judged, and what is told meanwhile."""
