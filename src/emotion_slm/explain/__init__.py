"""Which words moved which label."""
