"""Measures of a package's source, read and not run: `python -m benchmarks.house [package ...]`."""
