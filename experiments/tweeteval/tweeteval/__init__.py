"""Tweets with one of four emotions each: MiniLM as it comes, and from the emotion model."""
