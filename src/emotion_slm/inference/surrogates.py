"""Surrogates without their other half: Python strings and JSON escapes hold them, UTF-8 cannot."""

import re

SURROGATES = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD."""
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)
