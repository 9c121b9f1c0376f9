"""The labels of a corpus, in the order of every label axis: data that travels with each run.

Stage fetch writes corpus.json into data/raw from the corpus's description; stage evaluate copies it
into the package. Nothing in the code knows a label.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.files import read_json, write_bytes
from emotion_slm.common.params import Section, checked, plain

CORPUS = "corpus.json"
NORMAL = ("text", "labels", "id")  # columns of data/raw; a corpus may have `group` and `time` too
MULTI_LABEL, SINGLE_LABEL = "multi_label", "single_label"  # tasks

Task = Literal["multi_label", "single_label"]
Groups = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class LabelSet:
    """Labels, and what is known of them.

    `targets`: those that matter most; `thin`: the one that stage undersample thins;
    `thinned_as_published`: one in so many of its rows is left in the subset of that name; `groups`:
    by the name of a grouping, groups of labels; `definitions`: what labels mean, by label;
    `single`: each row carries exactly one of them, and any number otherwise.
    """

    names: tuple[str, ...]
    targets: tuple[str, ...] = ()
    thin: str | None = None
    thinned_as_published: int | None = None
    groups: Mapping[str, Groups] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    single: bool = False

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def index(self) -> dict[str, int]:
        """The place of each label."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def target_columns(self) -> list[int]:
        return self.columns(self.targets)

    @property
    def targets_first(self) -> tuple[str, ...]:
        """The targets in their order, then the other labels: how people are shown them."""
        return (*self.targets, *(name for name in self.names if name not in self.targets))

    def columns(self, names: Iterable[str]) -> list[int]:
        """The places of `names`; EmotionSlmError as `known`."""
        return [self.index[self.known(name)] for name in names]

    def known(self, name: str) -> str:
        """Return `name` unchanged, or raise EmotionSlmError naming the nearest label."""
        if name not in self.index:
            raise EmotionSlmError(f"unknown label {name!r}{did_you_mean(name, self.names)}")
        return name

    def grouped(self, grouping: str) -> Groups:
        """The groups of a grouping; a label of no group stands beside them, as one of its own."""
        groups = {name: tuple(members) for name, members in self.groups[grouping].items()}
        inside = {label for members in groups.values() for label in members}
        return groups | {name: (name,) for name in self.names if name not in inside}

    def to_matrix(self, rows: Iterable[Iterable[str]]) -> np.ndarray:
        """Label names per row → (n, labels) int8 indicator matrix; EmotionSlmError as `known`."""
        places = [self.columns(names) for names in rows]
        matrix = np.zeros((len(places), len(self)), dtype=np.int8)
        for row, columns in enumerate(places):
            matrix[row, columns] = 1
        return matrix

    def to_names(self, matrix: np.ndarray) -> list[list[str]]:
        """(n, labels) indicator matrix → label names per row, in label order."""
        return [[self.names[place] for place in np.flatnonzero(row)] for row in np.asarray(matrix)]


@dataclass(frozen=True)
class Corpus:
    """What a run has to know of its corpus beside the rows.

    `caption` stands under everything that shows results of it; `limits` are sentences of the model
    card; `hub`: the data set's id on Hugging Face, its revision and configuration, if it is there.
    `columns`: those of data/raw; `unlabelled`: whether a row may have no label at all; `files`: the
    SHA-256 of the files that it was read from, unless they are those of data/raw.
    """

    name: str
    title: str
    labels: LabelSet
    language: str = "en"
    caption: str = ""
    limits: tuple[str, ...] = ()
    hub: Mapping[str, str] | None = None
    columns: tuple[str, ...] = NORMAL
    unlabelled: bool = False
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> str:
        return SINGLE_LABEL if self.labels.single else MULTI_LABEL

    def to_dict(self) -> dict[str, Any]:
        """JSON, in which `labels` are the names and stand beside what else is known of them.

        `columns`, `unlabelled` and `files` are there where they say more than the default.
        """
        content = asdict(self)
        labels = content.pop("labels")
        del labels["single"]  # said by the task
        for key, usual in (("columns", NORMAL), ("unlabelled", False), ("files", {})):
            if content[key] == usual:
                del content[key]
        first = {name: content.pop(name) for name in ("name", "title")}
        return {**first, "task": self.task, **content, "labels": labels.pop("names"), **labels}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], where: Path) -> "Corpus":
        """What `to_dict` returned, read from a file; EmotionSlmError names a key that is wrong."""
        absent = "; `dvc repro fetch` writes it anew"
        file = checked(CorpusFile, content, where, absent=absent, most=1)
        rest = file.model_dump()
        labels = LabelSet(
            single=rest.pop("task") == SINGLE_LABEL,
            names=tuple(rest.pop("labels")),
            targets=tuple(rest.pop("targets")),
            thin=rest.pop("thin"),
            thinned_as_published=rest.pop("thinned_as_published"),
            groups={
                name: {group: tuple(members) for group, members in groups.items()}
                for name, groups in rest.pop("groups").items()
            },
            definitions=rest.pop("definitions"),
        )
        tuples = {key: tuple(rest[key]) for key in ("limits", "columns")}
        return cls(labels=labels, **{**rest, **tuples})


# Words of a card: no control characters, and nothing that Markdown or HTML would take for markup.
PLAIN = r"^[^\x00-\x1f\x7f|`<>\[\]]*$"
MOST_CHARACTERS = 200  # of a name
Words = Annotated[str, Field(max_length=MOST_CHARACTERS, pattern=PLAIN)]
Prose = Annotated[str, Field(max_length=2000, pattern=PLAIN)]
SEPARATORS = (" ", ", ", "; ", " | ")  # of labels in one text; no name holds the last


def separator(names: Iterable[str]) -> str:
    """What stands between labels called `names` in one text: a space, unless one holds that."""
    together = "".join(names)
    return next(between for between in SEPARATORS if (between.strip() or " ") not in together)


def is_plain(name: str) -> bool:
    """Whether a label can be called so."""
    return 0 < len(name) <= MOST_CHARACTERS and re.match(PLAIN, name) is not None


class CorpusFile(Section):
    """corpus.json, which may come from a stranger with a package."""

    name: Words
    title: Words
    task: Task
    language: Words
    caption: Words
    limits: list[Prose]
    hub: dict[Words, Words] | None
    columns: list[Literal["text", "labels", "id", "group", "time"]] = Field(list(NORMAL))
    unlabelled: bool = False
    files: dict[Words, Words] = Field(default_factory=dict)
    labels: Annotated[list[Words], Field(min_length=2)]
    targets: list[Words]
    thin: Words | None
    thinned_as_published: int | None
    groups: dict[Words, dict[Words, list[Words]]]
    definitions: dict[Words, Prose]

    @model_validator(mode="after")
    def labels_are_known(self) -> "CorpusFile":
        groups = [members for groups in self.groups.values() for members in groups.values()]
        thin = [self.thin] if self.thin else []
        named = {*thin, *self.targets, *self.definitions, *(name for g in groups for name in g)}
        unknown = sorted(named - set(self.labels))
        if unknown or len(set(self.labels)) < len(self.labels):
            what = f"{plain(unknown[0])} is none of them" if unknown else "one is there twice"
            raise ValueError(f"labels: {what}")
        return self


def require_same(model: Sequence[str], corpus: Sequence[str], where: Path) -> None:
    """EmotionSlmError with both lists when the labels of the model at `where` are not the corpus's,
    in its order."""
    if list(model) != list(corpus):
        raise EmotionSlmError(
            f"{where}: its labels are not those of the corpus; the model's: {', '.join(model)}; "
            f"the corpus's: {', '.join(corpus)}; `dvc repro` trains a model of these"
        )


def write_corpus(folder: Path, corpus: Corpus) -> None:
    """Write corpus.json, in which groups keep their order: tables and pictures follow it."""
    text = json.dumps(corpus.to_dict(), indent=2, ensure_ascii=False)
    write_bytes(folder / CORPUS, f"{text}\n".encode())


def load_corpus(folder: Path) -> Corpus:
    """The corpus.json of data/raw, or of a package."""
    path = folder / CORPUS
    if not path.exists():
        raise EmotionSlmError(f"{path}: no such file; `dvc repro fetch` writes it")
    return Corpus.from_dict(read_json(path), path)
