"""A column of somebody's file: what its cells look like."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from emotion_slm.corpus.label_cells import FALSE, TRUE

SEPARATORS = (",", ";", "|", "/", "#", "+")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")  # ISO 8601, which is what `time` may be
DAY = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}(\D.*)?")  # in another form: 28.11.2026, 11/28/26
CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?( ?[AaPp]\.?[Mm]\.?)?")


@dataclass(frozen=True)
class Column:
    """A column and its cells, a blank one as None."""

    name: str
    cells: list

    @cached_property
    def filled(self) -> list:
        return [cell for cell in self.cells if cell is not None]

    @property
    def is_full(self) -> bool:
        return len(self.filled) == len(self.cells)

    @cached_property
    def words(self) -> float:
        """In a cell, on average; of a column of lists, numbers or truth values none."""
        texts = [cell for cell in self.filled if isinstance(cell, str)]
        return sum(len(text.split()) for text in texts) / len(texts) if texts else 0

    @cached_property
    def distinct(self) -> int:
        return len({str(cell) for cell in self.filled})

    @cached_property
    def kind(self) -> str:
        """What most cells are, `list`, `json` (a list in a string), or all are: `flag` (0 or 1, no
        or yes), `time`, `day`, `clock`, `number`; else `words`."""
        for kind, fits, share in KINDS:
            fitting = sum(fits(cell) not in (None, False) for cell in self.filled)
            if self.filled and fitting >= share * len(self.filled):
                return kind
        return "words"

    def named(self, names: set[str]) -> bool:
        """Whether a word of its name is one of `names`."""
        return any(word in names for word in re.split(r"[^a-z]+", self.name.lower()))

    @property
    def separator(self) -> str | None:
        """What stands between labels in a cell, if some hold several."""
        return self._parted[0]

    @property
    def parts(self) -> int:
        """Different ones of cells, between what separates them."""
        return self._parted[1]

    @cached_property
    def _parted(self) -> tuple[str | None, int]:
        cells = {str(cell).strip() for cell in self.filled}
        for separator in SEPARATORS:
            parts = [{part.strip() for part in cell.split(separator)} - {""} for cell in cells]
            of_cells = Counter(part for cell in parts for part in cell)
            several = any(len(cell) > 1 for cell in parts)
            shared = any(count > 1 for count in of_cells.values())
            if several and shared and len(of_cells) <= len(cells):
                return separator, len(of_cells)
        return None, len(cells)


def column_of(name: str, cells: Sequence) -> Column:
    return Column(name, [None if _is_blank(cell) else cell for cell in cells])


def _is_blank(cell: object) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def is_list(cell: object) -> bool:
    return isinstance(cell, list)


def _is_flag(cell: object) -> bool:
    return str(cell).strip().lower() in TRUE | FALSE


def _is_time(cell: object) -> bool:
    return bool(DATE.match(str(cell).strip()))


def _is_day(cell: object) -> bool:
    return bool(DAY.fullmatch(str(cell).strip()))


def _is_clock(cell: object) -> bool:
    return bool(CLOCK.fullmatch(str(cell).strip()))


def _is_number(cell: object) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d.,]+", str(cell).strip()))


def json_list(cell) -> list | None:
    if not (isinstance(cell, str) and cell.strip().startswith("[")):
        return None
    try:
        found = json.loads(cell)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


KINDS = (
    ("list", is_list, 0.5),
    ("json", json_list, 0.5),
    ("flag", _is_flag, 1),
    ("time", _is_time, 1),
    ("day", _is_day, 1),
    ("clock", _is_clock, 1),
    ("number", _is_number, 1),
)
