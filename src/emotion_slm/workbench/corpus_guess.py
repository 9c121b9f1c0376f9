"""What the columns of somebody's file probably are, and why: the text, the labels, the rest.

Guesses from names and cells; `emotion-slm corpus new` shows them in words, to be corrected.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.corpus.label_cells import TRUE, as_text
from emotion_slm.workbench.corpus_columns import Column, column_of, is_list, json_list

LOOKED_AT, BLOCKS = 20_000, 20  # rows that tell what a column is, in so many blocks
MOST_LETTERS = 200  # of a cell of labels
MOST_DISTINCT = 0.3  # of the cells of a column of labels
MOST_DISTINCT_NAMED = 0.5  # of one that is called so
FEW_GROUPS, LARGE_GROUP = 20, 10  # fewer values with more rows each are a category, no group
# Words of column names.
TEXT_NAMES = {
    "text",
    "body",
    "message",
    "comment",
    "content",
    "tweet",
    "post",
    "review",
    "sentence",
}
LABEL_NAMES = {
    "label", "labels", "emotion", "emotions", "category", "categories", "class", "classes", "tag",
    "tags", "sentiment", "topic", "topics", "intent", "intents", "target",
}  # fmt: skip
GROUP_NAMES = {"conversation", "thread", "dialogue", "session", "user", "author", "customer"}
ID_NAMES = {"id", "key", "uuid", "number", "nr"}
RESTS = ("neutral", "none", "other", "no emotion")  # names of the label that means nothing special
THIN_SHARE = 1 / 3


class Guess(NamedTuple):
    """`labels`, `task`, `empty`: as a description says them; `counts`: rows by label.

    `said`: of each decision the key, the column or value, and why; `others`: columns that could
    hold the labels instead.
    """

    text: list[str]
    labels: dict[str, Any]
    task: str
    counts: dict[str, int]
    empty: str | None
    thin: str | None
    id: str | None
    group: str | None
    time: str | None
    said: list[tuple[str, str, str]]
    others: list[str]


def infer(
    cells: Mapping[str, list],
    text: Sequence[str] = (),
    labels: Sequence[str] = (),
    separator: str | None = None,
) -> Guess:
    """What the columns of a table are, by their cells, or as `text`, `labels` and `separator` say.

    EmotionSlmError, with the columns there are, when no column can be the text or hold the labels,
    or when one that is named is not there.
    """
    rows = max(map(len, cells.values()))
    looked_at = _looked_at(rows)
    columns = {
        name: column_of(name, [found[row] for row in looked_at]) for name, found in cells.items()
    }
    for name in (*text, *labels):
        if name not in columns:
            raise EmotionSlmError(f"no column {name!r}{did_you_mean(name, columns)}")
    said: list[tuple[str, str, str]] = []
    texts = list(text) or [_text(columns, labels)]
    words = sum(columns[name].words for name in texts)
    why = "as you said" if text else "the longest texts"
    said.append(("text", " + ".join(texts), f"{why}, {words:.0f} words on average"))

    rest = {name: column for name, column in columns.items() if name not in texts}
    candidates = _label_columns(rest)
    chosen = list(labels) or (candidates[0] if candidates else [])
    if not chosen:
        raise EmotionSlmError(
            f"none of the columns {', '.join(columns)} looks like labels: few different values, "
            "a list, or a column of 0 and 1 for each; name it with --labels COLUMN[,COLUMN…]"
        )
    # Labels are rare, and ids are repeated, where a sample does not show it.
    whole = {name: column_of(name, cells[name]) for name in chosen}
    form, sets = _label_sets(whole, chosen, separator)
    others = [", ".join(names) for names in candidates if names != chosen][:3]
    several = sum(len(names) > 1 for names in sets)
    blank = rows - len(whole[chosen[0]].filled) if len(chosen) == 1 else 0
    none = sum(not names for names in sets)
    task = "multi_label" if several or none or separator else "single_label"
    counts = Counter(name for names in sets for name in names)
    names = chosen if "columns" in form else sorted(counts)
    said.append(("labels", ", ".join(chosen), _why_labels(form, len(counts), bool(labels))))
    said.append(("task", task, _why_task(task, several, len(sets))))
    empty = None
    if blank:
        empty = "unlabelled"
        why = f"{blank + none:,} of {rows:,} rows have none and will be left out"
        marked = f", {none:,} of them marked so: `empty: none` keeps all" if none else ""
        said.append(("empty", empty, why + marked))
    elif none:
        empty = "none"
        said.append(("empty", empty, f"{none:,} of {rows:,} rows are marked as having none"))
    thin = _thin(counts, len(sets)) if task == "multi_label" else None
    if thin:
        said.append(("thin", thin, "rows with it alone are many; train keeps a part of them"))
    free = {name: column for name, column in rest.items() if name not in chosen}
    ids = {
        name: column_of(name, cells[name])
        for name, column in free.items()
        if column.named(ID_NAMES)
    }
    found = _identity(ids, said), _group(free, said), _time(free, said)
    return Guess(
        texts, form, task, {name: counts[name] for name in names}, empty, thin, *found, said, others
    )


def _looked_at(rows: int) -> list[int]:
    """Rows to look at: blocks of neighbours, evenly over the file, as groups stand together."""
    if rows <= LOOKED_AT:
        return list(range(rows))
    size = LOOKED_AT // BLOCKS
    begins = (block * (rows - size) // (BLOCKS - 1) for block in range(BLOCKS))
    return [row for begin in begins for row in range(begin, begin + size)]


def _text(columns: dict[str, Column], labels: Sequence[str]) -> str:
    def weight(column: Column) -> float:
        unlike = column.distinct / len(column.filled)
        return column.words * unlike * (3 if column.named(TEXT_NAMES) else 1)

    able = [
        column
        for name, column in columns.items()
        if name not in labels and column.words and column.kind == "words"
    ]
    if not able:
        raise EmotionSlmError(
            f"none of the columns {', '.join(columns)} holds words; name the one with the texts "
            "with --text COLUMN"
        )
    return max(able, key=weight).name


def _label_columns(columns: dict[str, Column]) -> list[list[str]]:
    """What could hold the labels, the likeliest first: a column, or one each of 0 and 1."""
    flags = [name for name, column in columns.items() if column.kind == "flag"]
    ranked: list[tuple[float, list[str]]] = [(2, flags)] if len(flags) > 1 else []
    for name, column in columns.items():
        if column.kind in ("time", "day", "clock") or (column.kind == "flag" and len(flags) > 1):
            continue
        if column.kind in ("list", "json"):
            ranked.append((0, [name]))
        elif _is_repeated(column):
            number = column.kind in ("number", "flag")  # beside names they are the same in short
            unlikely = column.named(GROUP_NAMES) or column.kind == "number"
            named = column.named(LABEL_NAMES)
            ranked.append((1 + number / 2 if named else 4 if unlikely else 3, [name]))
    return [names for _, names in sorted(ranked, key=lambda item: item[0])]


def _is_repeated(column: Column) -> bool:
    """Whether its cells have few different values, or parts: of a dozen labels there are hundreds
    of combinations."""
    if max((len(str(cell)) for cell in column.filled), default=0) > MOST_LETTERS:
        return False
    share = MOST_DISTINCT_NAMED if column.named(LABEL_NAMES) else MOST_DISTINCT
    most = max(2, share * len(column.filled))
    return 1 < column.distinct <= most or 1 < column.parts <= MOST_DISTINCT * len(column.filled)


def _label_sets(
    columns: dict[str, Column], chosen: list[str], separator: str | None
) -> tuple[dict[str, Any], list[list[str]]]:
    """How a description says where the labels are, and those of the rows that have a cell."""
    if len(chosen) > 1:
        rows = zip(*(columns[name].cells for name in chosen), strict=True)
        return {"columns": chosen}, [
            [name for name, cell in zip(chosen, cells, strict=True) if _is_on(cell)]
            for cells in rows
        ]
    column = columns[chosen[0]]
    form: dict[str, Any] = {"column": column.name}
    if column.kind == "list":
        return form, [_names(cell) for cell in column.filled if is_list(cell)]
    if column.kind == "json":
        form["json"] = True
        found = [json_list(cell) for cell in column.filled]
        return form, [_names(cell) for cell in found if cell is not None]
    between = separator or column.separator
    if between:
        form["separator"] = between
        cells = ([part.strip() for part in str(cell).split(between)] for cell in column.filled)
        return form, [[part for part in cell if part] for cell in cells]
    return form, [[str(cell).strip()] for cell in column.filled]


def _names(cell: list) -> list[str]:
    """What is in a list, as reading takes it."""
    found = (str(name if as_text(name) is None else as_text(name)).strip() for name in cell)
    return [name for name in found if name]


def _is_on(cell) -> bool:
    return str(cell).strip().lower() in TRUE


def _why_labels(form: dict[str, Any], count: int, told: bool) -> str:
    said = "as you said; " if told else ""
    if "columns" in form:
        return f"{said}a column of 0 and 1, or no and yes, for each of {count} labels"
    if form.get("json"):
        return f"{said}lists in JSON, {count} different labels"
    if "separator" in form:
        return f"{said}several in a cell, between {form['separator']!r}; {count} different labels"
    return f"{said}{count} different labels"


def _why_task(task: str, several: int, rows: int) -> str:
    if task == "multi_label":
        return f"{several:,} of {rows:,} labelled rows have more than one"
    return "each labelled row has exactly one"


def _thin(counts: Counter, rows: int) -> str | None:
    return next(
        (name for name, n in counts.items() if name.lower() in RESTS and n > THIN_SHARE * rows),
        None,
    )


def _identity(columns: dict[str, Column], said: list) -> str | None:
    for column in columns.values():
        once = column.is_full and column.distinct == len(column.cells)
        if once and column.named(ID_NAMES):
            said.append(("id", column.name, "in every row, each once"))
            return column.name
    return None


def _group(columns: dict[str, Column], said: list) -> str | None:
    for column in columns.values():
        repeated = column.is_full and 1 < column.distinct < len(column.cells)
        if not repeated or not column.named(GROUP_NAMES):
            continue
        few = column.distinct < FEW_GROUPS
        if few and len(column.cells) > LARGE_GROUP * column.distinct:
            why = f"not used: {column.distinct} different values are too few for a split by them"
            said.append(("group", column.name, why))
        else:
            why = (
                f"{column.distinct:,} of them: the rows of one stay on one side of the split, or "
                "the scores would be too good"
            )
            said.append(("group", column.name, why))
            return column.name
    return None


def _time(columns: dict[str, Column], said: list) -> str | None:
    for column in columns.values():
        if column.is_full and column.kind == "time":
            why = "not used, stands there as a comment; with it the newest rows are the test"
            said.append(("time", column.name, why))
            return column.name
    for column in columns.values():
        if column.is_full and column.kind == "day":
            why = "not used: a split by time takes dates written as 2026-11-28 (ISO 8601)"
            said.append(("time", column.name, why))
            break
    return None
