"""Balancing, loss and thresholds compared on frozen and on adapted vectors, without a leak."""
