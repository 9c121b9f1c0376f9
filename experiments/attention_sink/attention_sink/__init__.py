"""What an SLM makes of a vector at its first position, and of one after BOS."""
