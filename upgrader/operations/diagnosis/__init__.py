"""`upgrader verify` and `upgrader diagnose`: what is observed of a gateway, how it is judged, what is told while one watches."""
