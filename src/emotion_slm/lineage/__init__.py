"""Where a packaged model came from, every recorded hash held against what lies here."""
