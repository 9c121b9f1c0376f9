"""What every room uses: errors, files, the console, params.yaml, seeds, ranking measures."""
