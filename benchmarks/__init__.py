"""Side-by-side runs: `python -m benchmarks [--quick]`."""
