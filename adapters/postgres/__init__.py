"""Our own books: stock, credit, messages, events, the read model."""
