"""The page at /: one file, and the headers by which a browser runs and asks nothing but that."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

HTML = files(__package__).joinpath("page.html").read_text(encoding="utf-8")


def _hash(tag: str) -> str:
    """What the policy calls the page's one `tag` by."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", HTML, re.DOTALL)
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_hash('script')}; style-src {_hash('style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
