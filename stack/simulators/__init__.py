"""Outside systems as processes of their own: they speak their vendor's contract over HTTP.

Each keeps its book over restarts, repeats what it is told to repeat, and fails on demand.
"""
