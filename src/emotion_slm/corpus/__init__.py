"""A corpus and its labels: fetched, parsed, split."""
