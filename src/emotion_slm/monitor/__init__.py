"""Shares of labels over time: estimated, bounded, watched."""
