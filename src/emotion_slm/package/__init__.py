"""The folder models/classifier: written, read, described."""
