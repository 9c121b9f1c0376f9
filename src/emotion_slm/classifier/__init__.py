"""Heads on vectors, the one-position architecture, and their training."""
