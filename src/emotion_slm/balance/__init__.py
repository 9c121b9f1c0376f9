"""Balancing of train: undersampling of neutral, oversampling of rare labels in embedding space."""
