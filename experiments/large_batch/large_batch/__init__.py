"""The one-position architecture in large batches: which learning rate keeps its quality."""
