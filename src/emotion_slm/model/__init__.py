"""Backbones, classifier heads, losses and the packaged model."""
