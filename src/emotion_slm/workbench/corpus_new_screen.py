"""What `emotion-slm corpus new` shows: what was taken for what and why, and what to do next."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from emotion_slm.common.paths import CORPORA, PARAMS
from emotion_slm.corpus.language import LATIN, NAMES
from emotion_slm.workbench.corpus_guess import Guess
from emotion_slm.workbench.corpus_new import New

ANSWERS = {"yes", "no", "y", "n", "true", "false", "ja", "nein", "wahr", "falsch", "x", "-"}


def _joined_by_blanks(guess: Guess) -> str | None:
    """A label of a cell without a separator that consists of other labels, if there is one."""
    if set(guess.labels) != {"column"}:
        return None
    apart = ((name, name.split()) for name in guess.counts)
    return next(
        (name for name, words in apart if len(words) > 1 and set(words) <= set(guess.counts)), None
    )


def screen(new: New) -> Group:
    """What was taken for what and why, and what to do next."""
    table = Table(title=f"{new.name}: {new.rows:,} rows", title_justify="left")
    for title in ("", "taken", "because"):
        table.add_column(title, overflow="fold")
    for key, value, why in new.guess.said:
        table.add_row(key, Text(value), Text(why))
    lines: list[RenderableType] = [table]
    if new.guess.others:
        others = " or ".join(f"--labels {names}" for names in new.guess.others)
        lines.append(Text(f"Labels elsewhere? Remove what was written and give {others}."))
    if new.language.script not in (LATIN, None):
        what = f"are written in {new.language.script} letters"
    elif new.language.code not in ("en", None):
        what = f"look like {NAMES[new.language.code]}"
    else:
        what = ""
    if what:
        words = f"The texts {what}, and MiniLM reads English: expect little of it, or choose an "
        lines.append(Text(f"{words}encoder that knows them in params.yaml.", style="yellow"))
    if {label.lower() for label in new.guess.counts} <= ANSWERS:
        words = (
            f"Labels called {' and '.join(new.guess.counts)} answer a question: write what they "
            "stand for; if several columns answer one each, remove what was written and give "
            "--labels all of them, parted by commas."
        )
        lines.append(Text(words, style="yellow"))
    if joined := _joined_by_blanks(new.guess):
        words = (
            f"Label {joined!r} looks like several labels: if blanks stand between them, remove "
            'what was written and give --separator " ".'
        )
        lines.append(Text(words, style="yellow"))
    column = new.guess.labels.get("column")
    if column in new.guess.counts and len(new.guess.text[0].split()) > 2:
        words = (
            f"The first row is taken for the columns' names, and {column!r} is a label too: if "
            "that is a row like others, remove what was written and put a row of names above it."
        )
        lines.append(Text(words, style="yellow"))
    written = f"{CORPORA / new.name}.yaml, {CORPORA / new.name}/, profile {new.name} in {PARAMS}"
    lines += [Text(f"→ {written}"), Text("Next, after a look at the description:")]
    lines += [Text(f"  emotion-slm corpus check {CORPORA / new.name}.yaml")]
    own = " -S split.protocol=official" if new.gives_splits else ""
    lines += [Text(f"  dvc exp run -S profile={new.name}{own}")]
    return Group(*lines)
