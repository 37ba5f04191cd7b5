"""`upgrader repair`: a ladder of steps with a look after each, the short stop some of them need, and the way back."""
