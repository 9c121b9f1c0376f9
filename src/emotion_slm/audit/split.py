"""Leak audit of data/split: no id, no text and no group on two sides."""

import re
import unicodedata
from pathlib import Path

from emotion_slm.audit.result import result
from emotion_slm.common import files
from emotion_slm.common.paths import SPLIT, SPLITS

COLUMNS = ("id", "text", "labels", "official_split", "duplicate_group")
FURTHER = ("group", "time")  # columns that a corpus may have


def audit_split(root: Path = Path()) -> dict:
    """Check ids, verbatim and normalised texts of train, validation and test against each other.

    A duplicate group must be the rows of one normalised text, no more and no fewer: folds and
    intervals are drawn by group. Where the corpus has groups of its own, none may be on two sides.
    """
    rows = read_rows(root)
    rows["normalized"] = rows["text"].map(text_key)
    groups_of_text = rows.groupby("normalized")["duplicate_group"].transform("nunique")
    texts_of_group = rows.groupby("duplicate_group")["normalized"].transform("nunique")
    offending = {
        "ids_repeated_within_a_split": rows.duplicated(["split", "id"]),
        "rows_with_verbatim_text_in_another_split": _in_several_splits(rows, "text"),
        "rows_with_text_in_another_split": _in_several_splits(rows, "normalized"),
        "rows_with_false_duplicate_group": (groups_of_text != 1) | (texts_of_group != 1),
    }
    if "group" in rows:
        named = rows["group"] != ""
        offending["rows_with_group_in_another_split"] = named & _in_several_splits(rows, "group")
    offenders = {
        "ids_in_several_splits": sorted(set(rows["id"][_in_several_splits(rows, "id")])),
        **{rule: rows["id"][mask].tolist() for rule, mask in offending.items()},
    }
    counts = rows["split"].value_counts()
    return result(offenders, {"rows": {name: int(counts.get(name, 0)) for name in SPLITS}})


def read_rows(root: Path):
    """The rows of all splits in one frame: COLUMNS, what they have of FURTHER, and `split`."""
    import pandas as pd

    frames = []
    for name in SPLITS:
        frame = files.read_parquet(root / SPLIT / f"{name}.parquet", COLUMNS)
        known = [*COLUMNS, *(column for column in FURTHER if column in frame)]
        frames.append(frame[known].assign(split=name))
    return pd.concat(frames, ignore_index=True)


def _in_several_splits(rows, column: str):
    return rows.groupby(column)["split"].transform("nunique") > 1


def text_key(text: str) -> str:
    """A key that is equal for texts the splitter must keep together, by the rule and not its code.

    `corpus.split.normalize` has the rule. Here it is written again, on decomposed text and by runs
    of kinds, so that a fault in the splitter does not hide itself.
    """
    while True:
        shown = [(c, kind) for c in text if (kind := KINDS[c]) != INVISIBLE]
        letters = "".join(c for c, _ in shown)
        kinds = "".join(kind for _, kind in shown)
        runs = [letters[run.start() : run.end()] for run in LETTERS.finditer(kinds)]
        # Without a letter the symbols themselves are wanted, and marks: all but space.
        key = "".join(runs or [c for c, kind in shown if kind != SPACE])
        key = unicodedata.normalize("NFKD", key)
        key = unicodedata.normalize("NFKD", key.casefold())
        if key == text:
            return key
        text = key


LETTER, MARK, SYMBOL, SPACE, INVISIBLE = "LMS i"
LETTERS = re.compile(f"{LETTER}[{LETTER}{MARK}]*")  # with the marks on them
IGNORABLE = {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9)}
IGNORABLE |= {*range(0x1F3FB, 0x1F400), *range(0xE0000, 0xE1000)}
IGNORABLE |= {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x2800, 0x3164, 0xFFA0}


class Kinds(dict):
    """The kind of each character that has been asked for."""

    def __missing__(self, character: str) -> str:
        category = unicodedata.category(character)
        if ord(character) in IGNORABLE:
            kind = INVISIBLE
        elif category.startswith("Z") or character.isspace():
            kind = SPACE
        elif category in ("Cc", "Cf", "Cs", "Me"):
            kind = INVISIBLE
        else:
            kind = {"L": LETTER, "N": LETTER, "M": MARK}.get(category[0], SYMBOL)
        self[character] = kind
        return kind


KINDS = Kinds()
