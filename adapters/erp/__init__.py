"""The system that books orders, shipments, invoices and credit notes."""
