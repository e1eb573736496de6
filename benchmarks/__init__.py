"""Each benchmark beside a bare floor, in one run. `python -m benchmarks NAME --json`."""
