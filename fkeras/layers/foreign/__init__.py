"""Layers around modules of other libraries."""
