"""What differs between a git revision and the working tree: params, metrics, plots."""
