"""The training loop, its losses, checkpoints and resume."""
