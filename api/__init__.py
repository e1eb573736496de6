"""The HTTP API: stores what comes in before it answers, reads what was recorded, and no more."""
