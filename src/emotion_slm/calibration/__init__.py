"""From logits to probabilities, and from probabilities to decisions."""
