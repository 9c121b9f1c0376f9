"""What the project's pages share: templates that escape all they are given, and the pictures."""

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from emotion_slm.common import paths
from emotion_slm.common.files import require

if TYPE_CHECKING:
    from jinja2 import Environment

# Names of metrics files in words; a name that is not here is shown with its underscores as blanks.
WORDS = {
    "published_composition": "thinned as in the published recipe",
    "without_texts_seen_in_train": "without texts seen in train",
}
# ASCII punctuation, of which Markdown is made, but for marks that are harmless where they stand;
# control characters; and what makes a link, or the number of an issue, of plain letters.
ALIVE = re.compile(
    r"(?<=www)\.|(?<=\bG)H(?=-)|^ +| +$"
    r"|(?![,;%]|\((?=\w)|(?<=[^\W_])([./-](?=[^\W_])|: )|(?<=[^\W\d_])(\)|\.(?= |$)))"
    r"[!-/:-@\[-`{-~]"
    r"|[\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff]",
    re.IGNORECASE,
)
BLANKS = "\t\n\r\xa0\u2028\u2029"


def environment(markdown: bool = False) -> "Environment":
    """The templates of this package; a name they use and do not get is an error.

    What they are given is escaped for HTML, or for `markdown`; no template need think of it.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def escaped(value: object) -> object:
        return value if hasattr(value, "__html__") else Markup(escape_markdown(value))

    found = Environment(
        loader=PackageLoader("emotion_slm.workbench"),
        autoescape=True,
        finalize=escaped if markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {
        "score": lambda value: Markup("–" if value is None else f"{value:.3f}"),
        "fixed": lambda value: Markup("–" if value is None else f"{value:.4f}"),
        "signed": lambda value: Markup(signed(value)),
        "interval": lambda value: Markup(interval(value)),
        "count": lambda value: Markup(f"{value:,}"),
        "words": words,
        "link": lambda path: Markup(link(path)),
        "data_uri": lambda content: Markup(data_uri(content)),
    }
    return found


def escape_markdown(value: object) -> str:
    """`value` as HTML character references wherever Markdown could take it for more than text.

    Nothing in it becomes a link, a heading, a cell of a table, code or HTML. GitHub looks for
    mentions and numbers of issues after Markdown: a blank of no width keeps it from finding any.
    """
    return ALIVE.sub(lambda found: "".join(map(_reference, found[0])), str(value))


def _reference(character: str) -> str:
    if not character.isprintable() and character not in BLANKS:
        character = "\ufffd"  # a reference to a control character is read as another one
    return f"&#{ord(character)};" + ("&#8203;" if character in "@#Hh" else "")


def link(path: object) -> str:
    """The address of a path: whatever is in its name, it stays one."""
    return quote(str(path), errors="replace")


def words(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))


def interval(value: tuple[float, float]) -> str:
    return f"{value[0]:.3f}–{value[1]:.3f}"


def signed(value: float | None) -> str:
    """A change of a score with its sign: +0.0012; none as a dash."""
    return "–" if value is None else f"{value:+.4f}".replace("-", "−")


def data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


CAPTIONS = {
    "per_label_f1": "F1 per label with 95 % bootstrap intervals; labels with few positives are "
    "hatched.",
    "precision_recall": "Precision and recall per label on test.",
    "confusions": "Which label is taken for which: of the rows on which a gold label is missed, "
    "the share on which another label is wrongly predicted.",
    "threshold_curves": "F1 over the threshold per label on validation: a flat curve forgives a "
    "threshold that is a little off, a ragged one is a label with few positives.",
    "ismote_scatter": "Real and synthetic rows of the rarest labels, beside validation rows.",
}


# Where each row carries exactly one label: other captions, and none of what is not drawn.
CAPTIONS_OF_ONE = {
    name: caption for name, caption in CAPTIONS.items() if name != "threshold_curves"
} | {
    "confusions": "Which label is taken for which: of the rows of each gold label, the share that "
    "is predicted each label."
}


class Picture(NamedTuple):
    """A PNG file and its caption."""

    path: Path
    caption: str


def read_pictures(single: bool) -> list[Picture]:
    """Every figure, the most telling first; EmotionSlmError when one is missing.

    `single`: each row carries exactly one label.
    """
    captions = CAPTIONS_OF_ONE if single else CAPTIONS
    return [
        Picture(require(paths.PLOTS / f"{name}.png"), caption) for name, caption in captions.items()
    ]
