"""Four independent books held against each other: what channels sent, our ledger, the outside
systems' own effects, invoices and credits. `throughline account stock|money|messages`.
"""
