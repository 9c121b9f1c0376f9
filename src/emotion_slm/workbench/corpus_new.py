"""A description and a profile for somebody's file: written from what it looks like."""

import re
import shutil
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.files import require, write_bytes
from emotion_slm.common.params import Document
from emotion_slm.common.paths import CORPORA, PARAMS, SPLITS
from emotion_slm.corpus.description import FORMATS
from emotion_slm.corpus.label_cells import FALSE, NO_CLASS, TRUE, as_text
from emotion_slm.corpus.labels import is_plain
from emotion_slm.corpus.language import Language, language_of
from emotion_slm.corpus.tables import Table as Cells
from emotion_slm.corpus.tables import read_table
from emotion_slm.workbench.corpus_guess import Guess, infer
from emotion_slm.workbench.corpus_texts import description_of, load_text, with_profile

NAME = r"[a-z0-9][a-z0-9_-]*"
ROLES = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation",
         "dev": "validation", "test": "test"}  # fmt: skip
PYTHON_LIST = re.compile(r"\s*\['.*\]\s*$", re.DOTALL)  # where JSON has double quotes


class New(NamedTuple):
    """What was written: a corpus `name` of `rows` rows, and what was guessed and why.

    `gives_splits`: whether it comes in train, validation and test.
    """

    name: str
    rows: int
    gives_splits: bool
    guess: Guess
    language: Language


def create(
    sources: Sequence[Path],
    name: str | None = None,
    text: Sequence[str] = (),
    labels: Sequence[str] = (),
    separator: str | None = None,
) -> New:
    """Copy the files to corpora/NAME/, write corpora/NAME.yaml, add profile NAME to params.yaml.

    `sources`: a file, one each for train, validation and test, or a folder of them.
    EmotionSlmError, and nothing is written, when something of that name is there, when a file
    cannot be read, and when no column looks like the text or the labels.
    """
    by_role = _by_role(sources)
    name = name or _slug(sources[0].stem if len(sources) == 1 else sources[0].parent.name)
    _require_free(name)
    cells = _cells(list(by_role.values()))
    text, labels = _columns_called(text, cells), _columns_called(labels, cells)
    if both := set(text) & set(labels):
        raise EmotionSlmError(f"column {both.pop()!r} cannot be the text and hold the labels too")
    guess = infer(cells, text, labels, separator)
    _require_usable(guess, cells, separator)
    texts = [str(cell) for column in guess.text for cell in cells[column] if cell]
    rows, language = max(map(len, cells.values())), language_of(texts)
    content = description_of(name, by_role, guess, language)
    params = with_profile(require(PARAMS).read_text(encoding="utf-8"), name, rows, guess)
    _write(name, by_role, content, params)
    return New(name, rows, len(by_role) > 1, guess, language)


def _by_role(sources: Sequence[Path]) -> dict[str, Path]:
    """The files by their part; a file alone is train's, from which the other parts are taken."""
    if len(sources) == 1 and sources[0].is_dir():
        found = sorted(path for path in sources[0].iterdir() if path.suffix.lower() in FORMATS)
        if not found:
            known = ", ".join(FORMATS)
            raise EmotionSlmError(f"{sources[0]}: no file with one of the suffixes {known}")
        sources = found
    for path in sources:
        if not path.is_file():
            raise EmotionSlmError(f"{path}: no such file")
        if path.suffix.lower() not in FORMATS:
            remedy = "; export it as CSV UTF-8" if path.suffix.lower().startswith(".xls") else ""
            raise EmotionSlmError(f"{path}: none of the suffixes {', '.join(FORMATS)}{remedy}")
    if len(sources) == 1:
        return {SPLITS[0]: sources[0]}
    by_role = {ROLES.get(path.stem.lower(), path.stem): path for path in sources}
    if set(by_role) != set(SPLITS) or len(sources) != len(SPLITS):
        raise EmotionSlmError(
            f"{', '.join(path.name for path in sources)}: give one file, or three named train, "
            "validation and test"
        )
    return {role: by_role[role] for role in SPLITS}


def _slug(stem: str) -> str:
    apart = unicodedata.normalize("NFKD", stem.lower())  # `ü` as `u` and its dots
    letters = "".join(letter for letter in apart if not unicodedata.combining(letter))
    slug = re.sub("[^a-z0-9]+", "-", letters).strip("-") or "corpus"
    return slug if _is_text(slug) else f"corpus-{slug}"


def _is_text(name: str) -> bool:
    """Whether YAML takes a name for a text: `2024` is a number, `2026-11-28` a date."""
    return load_text(f"value: {name}")["value"] == name


def _require_free(name: str) -> None:
    if not re.fullmatch(NAME, name):
        raise EmotionSlmError(f"{name!r} is no name: use letters a to z, digits, - and _")
    if not _is_text(name):
        raise EmotionSlmError(
            f"{name!r} is no name: YAML takes it for a number, a date or a value; choose such as "
            f"--name {_slug(name)}"
        )
    taken = [str(path) for path in (CORPORA / f"{name}.yaml", CORPORA / name) if path.exists()]
    if name in Document.read().profiles:
        taken.append(f"profile {name} in {PARAMS}")
    if taken:
        raise EmotionSlmError(
            f"{' and '.join(taken)}: already there, nothing is overwritten; choose another --name"
        )


def _cells(paths: Sequence[Path]) -> dict[str, list]:
    """The columns of all files, one after another; those that some lack are left out."""
    tables = []
    for path in paths:
        table = read_table(path, path.name, _columns(path))
        if table.problems:
            raise EmotionSlmError("\n".join(map(str, table.problems)))
        if not table.rows:
            raise EmotionSlmError(f"{path}: it holds no rows")
        tables.append(table)
    shared = [name for name in tables[0].columns if all(name in t.columns for t in tables)]
    if not shared:
        found = "; ".join(f"{t.file}: {', '.join(t.columns) or 'none'}" for t in tables)
        raise EmotionSlmError(
            f"no column to read; the columns of {found}; files of one corpus name them alike"
        )
    return {name: [cell for t in tables for cell in _as_read(t, name)] for name in shared}


def _columns_called(names: Sequence[str], columns: Collection[str]) -> list[str]:
    """The columns by the names that somebody gave, who may have left out blanks around one, or
    whose column's name holds a comma."""
    if len(names) > 1 and ",".join(names) in columns:
        return [",".join(names)]
    by_words = {column.strip(): column for column in columns}
    return [name if name in columns else by_words.get(name.strip(), name) for name in names]


def _as_read(table: Cells, name: str) -> list:
    """The cells of a column as reading the corpus will take them: of numbers that stand for classes
    their names, of whole numbers no fraction, of lists what is in them."""
    classes = table.class_names.get(name, [])

    def taken(cell):
        if isinstance(cell, list):
            found = (value.strip() if isinstance(value, str) else taken(value) for value in cell)
            return [value for value in found if value not in (None, "")]
        if classes and isinstance(cell, int) and NO_CLASS <= cell < len(classes):
            return None if cell == NO_CLASS else classes[cell]
        return as_text(cell) if isinstance(cell, float) else cell

    return [taken(cell) for cell in table.columns[name]]


def _require_usable(guess: Guess, cells: dict[str, list], separator: str | None) -> None:
    """EmotionSlmError for labels of which no corpus can be made."""
    columns = guess.labels.get("columns", [])
    for column in columns:
        for cell in cells[column]:
            mark = str(cell or "").strip()
            if mark and mark.lower() not in TRUE | FALSE:
                raise EmotionSlmError(
                    f"column {column!r} holds {mark[:40]!r}; of several columns of labels each "
                    "holds 0 or 1 (or false, true); give --labels one column of names"
                )
    where = ", ".join(columns) or guess.labels["column"]
    if separator and "separator" not in guess.labels:
        raise EmotionSlmError(f"--separator: the cells of {where} hold no text to be parted")
    of_one = [] if columns else cells[where]
    if odd := [cell for cell in of_one if isinstance(cell, bool | dict)]:
        raise EmotionSlmError(
            f"column {where!r} holds {str(odd[0])[:40]}, which names no label; write the name of a "
            "label in each row"
        )
    if any(PYTHON_LIST.match(cell) for cell in of_one if isinstance(cell, str)):
        raise EmotionSlmError(
            f"column {where!r} holds lists as Python writes them, such as ['anger', 'joy']; write "
            'JSON, with double quotes: ["anger", "joy"]'
        )
    for label in guess.counts:
        if not is_plain(label):
            raise EmotionSlmError(
                f"label {label[:60]!r} in {where} is longer than 200 characters or holds one of "
                "|`<>[] or a control character; rename it in the file, or name another column "
                "with --labels"
            )
    if len(guess.counts) < 2:
        found = " and ".join(map(repr, guess.counts)) or "none"
        raise EmotionSlmError(
            f"labels in {where}: {found}; a corpus has 2 or more; name another column with --labels"
        )
    if guess.empty in guess.counts:
        raise EmotionSlmError(
            f"{guess.empty!r} is a label in {where}, and there are rows without a label, which "
            "would be called so too; rename the label in the file, or fill the cells"
        )


def _columns(path: Path) -> list[str]:
    """Those of a Parquet file, which are read by name; other files are read whole."""
    if FORMATS[path.suffix.lower()] != "parquet":
        return []
    import pyarrow

    try:
        return pyarrow.parquet.read_schema(path).names
    except (pyarrow.ArrowException, OSError) as error:
        raise EmotionSlmError(f"{path}: no readable Parquet file ({error})") from error


def _write(name: str, by_role: dict[str, Path], description: bytes, params: bytes) -> None:
    """All of it or nothing: what is there when something fails is taken away again."""
    folder, path = CORPORA / name, CORPORA / f"{name}.yaml"
    try:
        with writing(folder):
            folder.mkdir(parents=True)
            for source in by_role.values():
                shutil.copyfile(source, folder / source.name)
        write_bytes(path, description)
        write_bytes(PARAMS, params)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        path.unlink(missing_ok=True)
        raise
