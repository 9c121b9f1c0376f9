"""What the project's pages share: their templates, escaped by default, and how values are shown."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

# Names of metrics files in words; a name that is not here is shown with its underscores as blanks.
WORDS = {
    "adapt_head": "the encoder with the head it was adapted with",
    "majority": "baseline: the most frequent label set",
    "tfidf_logistic": "baseline: TF-IDF + logistic regression",
    "published_composition": "neutral thinned as in the published recipe",
    "without_texts_seen_in_train": "without texts seen in train",
}


def environment() -> "Environment":
    """The templates of this package; a name they use and do not get is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("emotion_slm.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {
        "score": lambda value: f"{value:.3f}",
        "count": lambda value: f"{value:,}",
        "interval": interval,
        "words": words,
    }
    return found


def interval(value: tuple[float, float]) -> str:
    return f"{value[0]:.3f}–{value[1]:.3f}"


def words(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))
