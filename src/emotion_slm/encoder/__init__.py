"""The SLM that reads texts: adapted, and used to embed."""
