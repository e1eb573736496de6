"""Commands that look into a running stack, and repair it, over its HTTP API."""
