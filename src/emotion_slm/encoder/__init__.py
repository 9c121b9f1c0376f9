"""The SLM as text encoder: adaptation to the corpus, pooling, embedding."""
