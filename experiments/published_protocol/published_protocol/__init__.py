"""The published protocol and the same code with the split moved first."""
