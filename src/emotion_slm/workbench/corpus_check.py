"""A described corpus before any training: what it consists of, and everything wrong with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from emotion_slm.backbone.pretrained import at_hand
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.common.paths import CORPORA, SPLITS
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.check import SHOWN, by_remedy, check_rows, check_script, check_splits, line
from emotion_slm.corpus.description import Description, described_at, read_description
from emotion_slm.corpus.fetch import files_of
from emotion_slm.corpus.labels import Corpus
from emotion_slm.corpus.language import LATIN, NAMES, language_of
from emotion_slm.corpus.params import SplitParams
from emotion_slm.corpus.reading import Reading, read_rows
from emotion_slm.corpus.split import Splits, split
from emotion_slm.corpus.tables import Problem
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.workbench.corpus_facts import WORDS, Counting, Facts, facts

# What an encoder reads, where it is not many languages.
ENGLISH = {"sentence-transformers/all-MiniLM-L6-v2": "MiniLM"}
LONGEST = 10_000_000  # tokens; nothing is cut
COUNTED = 20_000  # texts whose tokens are counted, the longest first
MOST_ROWS = 60  # of the table of labels
OFFICIAL = "official"  # split.protocol: the files' own split
PER_ROW = {"multi_label": "any number a row", "single_label": "one a row"}


class Checked(NamedTuple):
    """`facts`: of the rows that can be used, None when there are none or they cannot be split;
    `how_split`: in words; `dropped`: rows left out, by the reason."""

    path: Path
    task: str
    how_split: str
    facts: Facts | None
    problems: list[Problem]
    dropped: dict[str, int]

    @property
    def errors(self) -> int:
        return sum(problem.level == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors


def check(name: str) -> Checked:
    """Read, check and split corpus `name` as stages fetch and split would.

    The encoder is that of the profile for this corpus in params.yaml, or of the chosen profile
    when there is none. EmotionSlmError when the description is wrong or a file is missing.
    """
    description = read_description(name)
    with files_of(name, description) as files:
        reading = read_rows(name, description, folder=files.folder)
    problems = check_rows(reading, description)
    document = profile_of(name)
    params = document.section("split", SplitParams)
    found = None
    if len(reading.frame) and len(reading.names) > 1:
        encoder = document.section("encoder", EncoderParams)
        problems += [*check_language(reading, encoder), *_long_texts(reading, encoder)]
        try:
            corpus, splits = _split(name, description, reading, params, document.seed)
        except EmotionSlmError as error:
            reason, _, remedy = str(error).partition("; ")
            problems.append(Problem("", None, None, reason, remedy, "error"))
        else:
            problems += check_splits(splits, corpus.labels)
            found = facts(reading.frame, splits, corpus.labels, _counter(encoder))
            if description.gives_splits and params.protocol != OFFICIAL:
                problems += _of_given_splits(name, description, reading, params, problems)
            problems += _without_validation(description)
    how = _how_split(description, params)
    return Checked(
        CORPORA / f"{name}.yaml", description.task, how, found, problems, reading.dropped
    )


def _split(
    name: str, description: Description, reading: Reading, params: SplitParams, seed: int
) -> tuple[Corpus, Splits]:
    """As stage split does; EmotionSlmError for a split without rows, and for keys of the
    description that name labels there are not."""
    corpus = description.with_names(reading.names, described_at(name)).corpus(name)
    rows = reading.frame[[*description.row_columns, "official_split"]]
    return corpus, split(rows, corpus, params, child_seed(seed, "split"))


def _of_given_splits(
    name: str,
    description: Description,
    reading: Reading,
    params: SplitParams,
    known: list[Problem],
) -> list[Problem]:
    """What would be wrong with the files' own split, as warnings, where another is chosen."""
    given = params.model_copy(update={"protocol": OFFICIAL})
    try:
        corpus, splits = _split(name, description, reading, given, seed=0)
        found = check_splits(splits, corpus.labels)
    except EmotionSlmError as error:
        reason, _, remedy = str(error).partition("; ")
        found = [Problem("", None, None, reason, remedy, "error")]
    said = {problem.reason for problem in known}
    return [
        problem._replace(
            reason=f"with split.protocol: {OFFICIAL}, {problem.reason}", level="warning"
        )
        for problem in found
        if problem.reason not in said
    ]


def _without_validation(description: Description) -> Iterator[Problem]:
    """Files for some splits alone, which are pooled: their own test is not kept apart."""
    given = list(description.by_role)
    if 1 < len(given) < len(SPLITS):
        lacking = " and ".join(name for name in SPLITS if name not in given)
        yield Problem(
            "", None, None,
            f"there is no file for {lacking}, so the rows of {' and '.join(given)} are split anew",
            "your own test is then none: to keep it, part a file for each split from the rows of "
            "train, and set split.protocol: official",
            "warning",
        )  # fmt: skip


def profile_of(name: str) -> Document:
    """params.yaml with a profile for corpus `name` chosen, if there is one."""
    document = Document.read()
    own = [
        profile
        for profile, sections in document.profiles.items()
        if isinstance(sections["fetch"], dict) and sections["fetch"].get("corpus") == name
    ]
    chosen = document.profile
    return document if chosen in own or not own else document.with_profile(own[0])


def check_language(reading: Reading, encoder: EncoderParams) -> Iterator[Problem]:
    """Texts that the encoder was not made for, where it is known what it was made for."""
    if encoder.id not in ENGLISH:
        return
    model, texts = ENGLISH[encoder.id], reading.frame["text"].tolist()
    found = language_of(texts)
    if found.script not in (LATIN, None):
        what = f"most texts are written in {found.script} letters"
    elif found.code not in ("en", None):
        what = f"the texts look like {NAMES[found.code]}"
    else:
        yield from check_script(reading.frame, LATIN, model)
        return
    yield Problem(
        "", None, None, what, f"{model} reads English: choose an encoder that knows them", "warning"
    )  # fmt: skip


def _long_texts(reading: Reading, encoder: EncoderParams) -> Iterator[Problem]:
    """Texts of which the encoder reads the beginning: a token has a letter at least."""
    texts = reading.frame["text"].tolist()
    able = [place for place, text in enumerate(texts) if len(text) > encoder.max_length]
    able = sorted(able, key=lambda place: -len(texts[place]))[:COUNTED]
    unit, count = _counter(encoder)
    for place, length in zip(able, count([texts[place] for place in able]), strict=True):
        if length > encoder.max_length:
            yield Problem(
                reading.frame["place"].iloc[place],
                None,
                None,
                f"{length:,} {unit}",
                f"the model reads the first {encoder.max_length} tokens of a text: raise "
                "encoder.max_length, or shorten what matters less",
                "warning",
            )


def _counter(encoder: EncoderParams) -> Counting:
    """In tokens; in words where the tokenizer would be a download."""
    folder = at_hand(encoder)
    if folder is None:
        return WORDS
    from emotion_slm.encoder.text_classifier import Tokenizer

    tokenizer = Tokenizer(folder, LONGEST)
    return Counting("tokens", lambda texts: [len(ids) for ids in tokenizer(texts)] if texts else [])


def screen(checked: Checked) -> Group:
    """What the corpus consists of, then its problems by their remedy, then the verdict."""
    parts: list[RenderableType] = []
    if checked.facts:
        parts += _shown_facts(checked, checked.facts)
    for level, title, style in (("warning", "Warnings", "yellow"), ("error", "Errors", "red")):
        alike = by_remedy(problem for problem in checked.problems if problem.level == level)
        if alike:
            parts.append(Rule(f"[{style}]{title}[/]", align="left"))
        parts += [_shown_problems(remedy, found, style) for remedy, found in alike.items()]
    return Group(*parts, _verdict(checked))


def _shown_facts(checked: Checked, found: Facts) -> list[RenderableType]:
    table = Table(title=f"{checked.path}: {found.rows:,} rows", title_justify="left")
    table.add_column("label")
    for name in ("rows", "share", *found.counts):
        table.add_column(name, justify="right", no_wrap=True)
    total = sum(found.counts.values())
    order = sorted(range(len(found.names)), key=lambda place: -total[place])
    half = MOST_ROWS // 2
    between = order[half:-half] if len(order) > MOST_ROWS else []
    for place in order:
        if place in between[1:]:
            continue
        if place in between:
            table.add_row(f"… {len(between)} more", *[""] * (2 + len(found.counts)))
            continue
        counts = [f"{count[place]:,}" for count in found.counts.values()]
        share = f"{total[place] / sum(found.sizes.values()):.1%}"
        table.add_row(Text(found.names[place]), f"{total[place]:,}", share, *counts)
    table.add_section()
    sizes = [f"{size:,}" for size in found.sizes.values()]
    table.add_row("all rows", f"{sum(found.sizes.values()):,}", "", *sizes)
    lines = Table.grid(padding=(0, 2))
    lines.add_row("split", Text(checked.how_split))
    lines.add_row("labels", f"{PER_ROW[checked.task]}: {_shown_per_row(found.per_row)}")
    if found.pairs:
        pairs = " · ".join(f"{one} + {other} {count:,}" for one, other, count in found.pairs)
        lines.add_row("together", Text(pairs))
    for length in found.lengths:
        lines.add_row(
            length.unit,
            f"{length.median:,} in the middle, 95 % have at most {length.most:,}; "
            f"{length.shortest:,} to {length.longest:,}",
        )
    for reason, count in checked.dropped.items():
        lines.add_row("left out", Text(f"{count:,} ({reason})"))
    return [table, lines]


def _shown_per_row(per_row: dict[int, int]) -> str:
    return " · ".join(f"{count or 'none'} on {rows:,}" for count, rows in per_row.items())


def _how_split(description: Description, params: SplitParams) -> str:
    if params.protocol == OFFICIAL:
        return "as the files give it (split.protocol: official)"
    given = "; the files' own is split.protocol: official" if description.gives_splits else ""
    if description.time:
        return f"by {description.time}, the newest rows are the test{given}"
    kept = f", rows of one {description.group} together" if description.group else ""
    return f"by chance, stratified by label, equal texts together{kept}{given}"


def _shown_problems(remedy: str, found: list[Problem], style: str) -> Group:
    lines: list[RenderableType] = [Text(line(one), style=style) for one in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(Text(f"… and {len(found) - SHOWN:,} more", style=style))
    return Group(*lines, Padding(Text(remedy), (0, 0, 0, 2)))


def _verdict(checked: Checked) -> Panel:
    if checked.errors:
        words = (
            f"✗ the pipeline would stop; errors: {checked.errors:,}, warnings: {checked.warnings:,}"
        )
        style = "bold red"
    elif checked.warnings:
        words, style = f"? it can be trained, warnings: {checked.warnings:,}", "bold yellow"
    else:
        words, style = "✓ nothing to repair", "bold green"
    return Panel(Text(words), style=style)
