"""Native payloads of sales channels, turned into the canonical order."""
