"""Variables, and the calls that lend them values."""
