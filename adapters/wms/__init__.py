"""The systems that run warehouses."""
