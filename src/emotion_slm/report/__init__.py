"""The report of a run: a self-contained HTML page and a Markdown summary, from its files alone."""
