"""Over-samplers compared on small imbalanced problems, each inside the folds."""
