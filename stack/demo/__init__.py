"""A day at the sample company, on servers of its own: orders from three channels, what happens to
them, and the books compared at the end. `throughline demo`.
"""
