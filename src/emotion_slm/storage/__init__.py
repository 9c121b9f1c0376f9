"""Disk space: what takes it, stage by stage, and what can be freed."""
