"""The leak audit: one module for each place it looks."""
