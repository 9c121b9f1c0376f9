"""Screen of what could make the SLM that reads better, one ingredient at a time."""
