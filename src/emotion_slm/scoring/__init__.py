"""A packaged model at work on texts and files."""
