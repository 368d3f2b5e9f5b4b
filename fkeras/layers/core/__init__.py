"""Layers that others are made of."""
