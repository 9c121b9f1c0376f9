"""The corpus: fetched, parsed, split; and the sample corpus that stands in for it."""
