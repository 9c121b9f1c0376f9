"""Metrics, intervals, baselines, predictions."""
