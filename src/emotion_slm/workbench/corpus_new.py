"""A description and a profile for somebody's file: written from what it looks like."""

import json
import re
import shutil
import unicodedata
from collections.abc import Collection, Sequence
from importlib.resources import files as resources
from pathlib import Path
from string import Template
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from ruamel.yaml import YAML

from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.files import require, write_bytes
from emotion_slm.common.params import Document, checked
from emotion_slm.common.paths import CORPORA, PARAMS, SPLITS
from emotion_slm.corpus.description import FORMATS, Description
from emotion_slm.corpus.infer import Guess, infer
from emotion_slm.corpus.label_cells import FALSE, NO_CLASS, TRUE, as_text
from emotion_slm.corpus.labels import is_plain
from emotion_slm.corpus.language import LATIN, NAMES, Language, language_of
from emotion_slm.corpus.tables import Table as Cells
from emotion_slm.corpus.tables import read_table

NAME = r"[a-z0-9][a-z0-9_-]*"
ROLES = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation",
         "dev": "validation", "test": "test"}  # fmt: skip
TRAIN_SHARE = 0.6
SMALL, LARGE = 5_000, 20_000  # rows of train: see `settings`
SINGLE_LABEL_LOSS = "{name: cross_entropy, smoothing: 0.1}"
MULTI_LABEL_LOSS = "{name: asymmetric, gamma_positive: 0, gamma_negative: 2, clip: 0.05}"
PYTHON_LIST = re.compile(r"\s*\['.*\]\s*$", re.DOTALL)  # where JSON has double quotes
ANSWERS = {"yes", "no", "y", "n", "true", "false", "ja", "nein", "wahr", "falsch", "x", "-"}
DEFINED = 30  # labels whose definitions the description has room for


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
    content = _description(name, by_role, guess, language)
    params = _with_profile(require(PARAMS).read_text(encoding="utf-8"), name, rows, guess)
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
    return _loaded(f"value: {name}")["value"] == name


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


def _description(name: str, by_role: dict[str, Path], guess: Guess, language: Language) -> bytes:
    """The text of corpora/NAME.yaml; EmotionSlmError when the guess makes no description."""
    text = guess.text[0] if len(guess.text) == 1 else guess.text
    files = {role: path.name for role, path in by_role.items()}
    means = "rows without labels: none (of the labels applies), unlabelled (left out), or a label"
    values = {
        "name": name,
        "title": _yaml(name.replace("-", " ").replace("_", " ").capitalize()),
        "language": language.code or ("en" if language.script in (LATIN, None) else "und"),
        "files": _yaml(files if len(files) > 1 else files["train"]),
        "text": _yaml(text),
        "labels": _yaml(guess.labels),
        "task": guess.task,
        "names": _yaml(list(guess.counts)),
        "empty": _line("empty", guess.empty, "none", means),
        "thin": _line("thin", guess.thin, "LABEL", "rows with it alone are thinned in train"),
        "identity": _line("id", guess.id, "COLUMN", "ids, each once; otherwise rows are numbered"),
        "group": _line("group", guess.group, "COLUMN", "its rows stay on one side of the split"),
        "time": _line("time", None, guess.time or "COLUMN", "split by time, the newest are test"),
        "definitions": _definitions(list(guess.counts)),
        "some": ", ".join(_yaml(label) for label in list(guess.counts)[:2]),
    }
    content = _template("description.yaml").substitute(values)
    checked(Description, _loaded(content), CORPORA / f"{name}.yaml")
    return content.encode()


def _line(key: str, value: str | None, example: str, why: str) -> str:
    """A key with its value, or as a comment for whoever wants it."""
    said = f"{key}: {_yaml(value)}" if value else f"# {key}: {example}"
    return f"{said}      # {why}"


def _definitions(names: Sequence[str]) -> str:
    """A line for each label, of many as a comment: those that are left out mean their name."""
    lines = [f"  {_yaml(name)}: {_yaml(name)}" for name in names[:DEFINED]]
    more = f"\n  # and {len(names) - DEFINED} more" if len(names) > DEFINED else ""
    return "\n".join(lines) + more


def _yaml(value: object) -> str:
    """A value on one line: JSON is YAML; what needs no quotes gets none."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w .-]*", value):
        loaded = _loaded(f"value: {value}")["value"]
        if loaded == value:
            return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(k)}: {_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))


def _escaped(letter: str) -> str:
    """Of what JSON leaves as it is, YAML takes no control character and breaks lines at some."""
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def _loaded(text: str) -> dict:
    return YAML(typ="safe", pure=True).load(text)


def _with_profile(params: str, name: str, rows: int, guess: Guess) -> bytes:
    """params.yaml with the profile after the others, and all else as it was."""
    lines = params.splitlines(keepends=True)
    begin = next(place for place, line in enumerate(lines) if re.match("profiles:", line))
    after = (place for place in range(begin + 1, len(lines)) if re.match(r"[^\s#]", lines[place]))
    end = next(after, len(lines))
    profile = _template("profile.yaml").substitute(_settings(name, rows, guess))
    before = "".join(lines[:end])
    text = f"{before.rstrip()}\n{profile}" + ("\n" if end < len(lines) else "")
    text += "".join(lines[end:])
    old, new = _loaded(params), _loaded(text)
    if new["profiles"].pop(name, None) is None or new != old:
        raise EmotionSlmError(
            f"{PARAMS}: no place for a profile was found in it; write its `profiles:` as a block"
        )
    return text.encode()


def _settings(name: str, rows: int, guess: Guess) -> dict[str, object]:
    """What the profile's template leaves open, for about TRAIN_SHARE of the rows to train on.

    A step count fits small and large corpora alike: fewer rows are read more often, in smaller
    batches. Balancing grows labels to half of the most frequent one that is not thinned.
    """
    train = TRAIN_SHARE * rows
    counts = [count for name, count in guess.counts.items() if name != guess.thin]
    most = round(TRAIN_SHARE * max(counts))
    single = guess.task == "single_label"
    loss = SINGLE_LABEL_LOSS if single else MULTI_LABEL_LOSS
    return {
        "name": name,
        "title": name,
        "rows": f"{rows:,}",
        "adapt_loss": loss,
        "finetune_loss": loss,
        "epochs": 5 if train < SMALL else 3 if train < LARGE else 2,
        "batch_size": 16 if train < SMALL else 32,
        "learning_rate": "1.5e-4",
        "selection": "macro_f1" if single else "map",
        "undersample": f"{{keep: {most}}}" if guess.thin else "none",
        "target": max(2, most // 2),
        "excluded": _yaml([guess.thin] if guess.thin else []),
        "finetune_batch_size": 32 if train < SMALL else 256,
    }


def _template(name: str) -> Template:
    return Template((resources("emotion_slm.workbench") / "templates" / name).read_text("utf-8"))


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
            "stand for; if several columns answer one each, write 0 and 1 there and give --labels "
            "all of them, parted by commas."
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
