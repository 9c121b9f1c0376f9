"""A pinned pretrained transformer: located, verified, loaded, given adapters."""
