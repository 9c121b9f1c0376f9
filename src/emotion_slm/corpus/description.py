"""corpora/NAME.yaml: what a corpus is made of, how its files are read, and where they come from.

docs/use/corpus-description.md says what each key means.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.files import sha256_file
from emotion_slm.common.params import Section, checked, load_yaml
from emotion_slm.common.paths import CORPORA, RAW_FILES, SPLITS
from emotion_slm.corpus.labels import NORMAL, SINGLE_LABEL, Corpus, LabelSet, Prose, Task, Words

Role = Literal["train", "validation", "test"]
Grouping = dict[str, list[str]]
EMPTY_IS_NONE, EMPTY_IS_UNLABELLED = "none", "unlabelled"  # what a row without labels means
GROUPS = "groups"  # the grouping of a description that names but one
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


class LabelColumn(Section):
    """Labels in one column.

    A cell holds labels between separators, a list in JSON (`json: true`), a list as such (JSONL and
    Parquet), or one label. With `positions` they are places in `names`, from 0.
    """

    column: str
    separator: Annotated[str, Field(min_length=1)] | None = None
    as_json: bool = Field(False, alias="json")
    positions: bool = False

    @model_validator(mode="after")
    def one_form(self) -> "LabelColumn":
        if self.separator and self.as_json:
            raise ValueError("a cell holds labels between separators or a list in JSON, not both")
        return self


class LabelColumns(Section):
    """A column per label, called by its name, that holds 0 or 1, false or true."""

    columns: Annotated[list[Words], Field(min_length=2)]


def _layout(labels: Any) -> str:
    """Which of both `labels` is meant for: so that a bad key is told of that one alone."""
    return (
        "each" if isinstance(labels, LabelColumns | dict) and "columns" in dict(labels) else "one"
    )


Labels = Annotated[
    Annotated[LabelColumn, Tag("one")] | Annotated[LabelColumns, Tag("each")],
    Discriminator(_layout),
]


class Sources(Section):
    """Where files are to be had that do not lie beside the description: a folder, or the web."""

    folder: str | None = None
    url: str | None = None


class Description(Section):
    """A corpus. `sha256` pins files by their name; `made_from`: the sample corpus's material."""

    title: Words = ""
    language: Words = "en"
    caption: Words = ""
    limits: list[Prose] = Field(default_factory=list)
    sources: Sources = Sources()
    hub: str | None = None
    revision: str | None = None
    config: str | None = None
    made_from: str | None = None
    files: str | dict[Role, str] | None = None
    sha256: dict[str, str] = Field(default_factory=dict)
    columns: list[str] = Field(default_factory=list)
    text: str | Annotated[list[str], Field(min_length=1)]
    id: str | None = None
    labels: Labels
    task: Task = "multi_label"
    names: Annotated[list[Words], Field(min_length=2)] | None = None
    empty: str | None = None
    thin: str | None = None
    thinned_as_published: Annotated[int, Field(ge=1)] | None = None
    targets: list[str] = Field(default_factory=list)
    groups: Grouping | dict[str, Grouping] = Field(default_factory=dict)
    definitions: dict[str, str] = Field(default_factory=dict)
    group: str | None = None
    time: str | None = None

    @model_validator(mode="after")
    def files_are_named(self) -> "Description":
        if self.hub and not self.revision:
            raise ValueError("hub: give the `revision` too, a commit of the data set")
        if not self.files and not self.hub:
            raise ValueError("files: name the file, or one each for train, validation and test")
        if self.is_normal and (self.hub or self.sources != Sources()):
            unpinned = [file for file in self.in_order if file not in self.sha256]
            if unpinned:
                raise ValueError(f"sha256: there is none of {unpinned[0]}")
        if isinstance(self.files, dict) and "train" not in self.files:
            raise ValueError("files: there is none for train")
        for file in self.in_order:
            path = PurePosixPath(file)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"files: {file!r} leads out of the corpus's folder")
            if path.suffix.lower() not in FORMATS:
                known = ", ".join(FORMATS)
                raise ValueError(f"files: {file!r} has none of the suffixes {known}")
        if len(set(self.in_order)) < len(self.in_order):
            raise ValueError("files: one is there twice")
        return self

    @model_validator(mode="after")
    def labels_fit_the_task(self) -> "Description":
        single = self.task == "single_label"
        if single and isinstance(self.labels, LabelColumn) and self.labels.separator:
            raise ValueError("labels: single_label has one label a row, and no separator")
        if single and self.empty == EMPTY_IS_NONE:
            raise ValueError(
                "empty: single_label has a label in each row; write the label that a row without "
                f"one has, or {EMPTY_IS_UNLABELLED}"
            )
        if isinstance(self.labels, LabelColumns):
            columns = self.labels.columns
            if len(set(columns)) < len(columns):
                raise ValueError("labels.columns: one is there twice")
            of_empty = {self.empty} - {None, EMPTY_IS_NONE, EMPTY_IS_UNLABELLED}
            if self.names and set(self.names) - of_empty != set(columns) - of_empty:
                raise ValueError("names: not those of labels.columns; leave `names` out")
        elif self.labels.positions and not self.names:
            raise ValueError("labels.positions: give the `names` that they are places in")
        return self

    @model_validator(mode="after")
    def names_are_known(self) -> "Description":
        if self.names is None:
            return self
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"names: {twice[0]!r} is there twice")
        for key, names in self._named().items():
            for name in names:
                if name not in self.names:
                    raise ValueError(
                        f"{key}: unknown label {name!r}{did_you_mean(name, self.names)}"
                    )
        for word in (EMPTY_IS_NONE, EMPTY_IS_UNLABELLED):
            if self.empty == word and word in self.names:
                raise ValueError(f"empty: {word!r} is a label too; rename that")
        return self

    def _named(self) -> dict[str, list[str]]:
        """The labels that each key mentions."""
        empty = self.empty not in (None, EMPTY_IS_NONE, EMPTY_IS_UNLABELLED)
        return {
            "empty": [self.empty] if empty else [],
            "thin": [self.thin] if self.thin else [],
            "targets": self.targets,
            "definitions": list(self.definitions),
            **{
                f"groups.{grouping}.{group}": members
                for grouping, groups in self.groupings.items()
                for group, members in groups.items()
            },
        }

    @property
    def groupings(self) -> dict[str, Grouping]:
        """Groups by the name of their grouping, GROUPS where they are one without a name."""
        flat = any(isinstance(members, list) for members in self.groups.values())
        return {GROUPS: self.groups} if flat else self.groups

    @property
    def by_role(self) -> dict[str, str]:
        """The files in the order train, validation, test; one alone is train's.

        Of a data set on the hub they have the names that its own converter gives, unless named.
        """
        if isinstance(self.files, str):
            return {SPLITS[0]: self.files}
        if self.files is None:
            return {role: hub_file(self.config, role) for role in SPLITS}
        return {role: self.files[role] for role in SPLITS if role in self.files}

    @property
    def in_order(self) -> list[str]:
        """The names of the files: train, validation, test."""
        return list(self.by_role.values())

    @property
    def gives_splits(self) -> bool:
        """Whether it comes in train, validation and test."""
        return len(self.by_role) == len(SPLITS)

    @property
    def is_normal(self) -> bool:
        """Whether its files have the form of data/raw already, and go there byte by byte."""
        return (
            self.in_order == list(RAW_FILES)
            and self.columns == list(NORMAL)
            and (self.text, self.id) == ("text", "id")
            and self.labels == LabelColumn(column="labels", separator=",", positions=True)
        )

    @property
    def row_columns(self) -> tuple[str, ...]:
        """The columns of data/raw: those of NORMAL, and what else the description names."""
        return (*NORMAL, *(key for key in ("group", "time") if getattr(self, key)))

    def with_names(self, names: Sequence[str], where: Path) -> "Description":
        """The description with the labels of the data; EmotionSlmError as `read_description`."""
        return checked(Description, {**self.model_dump(by_alias=True), "names": list(names)}, where)

    @property
    def label_set(self) -> LabelSet:
        """EmotionSlmError when it leaves the names to the data: see `with_names`."""
        if self.names is None:
            raise EmotionSlmError(
                f"{self.title or 'corpus'}: its description leaves the labels to its data; "
                "give `names` there"
            )
        return LabelSet(
            names=tuple(self.names),
            targets=tuple(self.targets or self.names),
            thin=self.thin,
            thinned_as_published=self.thinned_as_published,
            groups={
                grouping: {group: tuple(members) for group, members in groups.items()}
                for grouping, groups in self.groupings.items()
            },
            definitions={name: self.definitions.get(name, name) for name in self.names},
            single=self.task == SINGLE_LABEL,
        )

    def corpus(self, name: str) -> Corpus:
        """What travels with each run; EmotionSlmError as `label_set`."""
        hub = {key: value for key in ("hub", "revision", "config") if (value := getattr(self, key))}
        return Corpus(
            name=name,
            title=self.title or name,
            labels=self.label_set,
            language=self.language,
            caption=self.caption,
            limits=tuple(text.strip() for text in self.limits),
            hub=hub or None,
            columns=self.row_columns,
            unlabelled=self.empty == EMPTY_IS_NONE,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what it says, whatever its comments and line breaks."""
        content = json.dumps(self.model_dump(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def hub_file(config: str | None, role: str) -> str:
    """The Parquet file of a split on the hub, by the name that its own converter gives."""
    return f"{config or 'data'}/{role}-00000-of-00001.parquet"


def described_at(name: str, root: Path = Path()) -> Path:
    """The file that describes corpus `name`, which may not be there."""
    return root / CORPORA / f"{name}.yaml"


def read_description(name: str, root: Path = Path()) -> Description:
    """The description of corpus `name`; EmotionSlmError names each bad key, and the nearest."""
    path = described_at(name, root)
    if not described(name, root):
        known = sorted(found.stem for found in (root / CORPORA).glob("*.yaml"))
        raise EmotionSlmError(f"{path}: no such corpus{did_you_mean(name, known)}")
    return checked(Description, load_yaml(path), path)


def described(name: str, root: Path = Path()) -> bool:
    """Whether there is a description of that name; what is no name of a file has none."""
    return name == Path(name).name != "" and described_at(name, root).is_file()


def local_files(name: str, description: Description, root: Path = Path()) -> dict[str, Path]:
    """The files that must lie in the corpus's folder, by their names: those of no source."""
    folder = root / CORPORA / name
    if description.made_from:
        return {description.made_from: folder / description.made_from}
    if description.hub or description.sources != Sources():
        return {}
    return {file: folder / file for file in description.in_order}


def sha256(name: str, description: Description) -> dict[str, str]:
    """Of what the description says and of each local file it is made from, by their names.

    EmotionSlmError when one is missing.
    """
    files = local_files(name, description)
    for path in files.values():
        if not path.exists():
            raise EmotionSlmError(
                f"{path}: no such file, which {described_at(name)} names; put it there, or "
                f"`dvc pull {path}.dvc` if it is tracked"
            )
    hashes = {file: sha256_file(path) for file, path in files.items()}
    return {"description": description.fingerprint, **hashes}


def caption(name: str, root: Path = Path()) -> str:
    """What a corpus wants said wherever its results are shown; of an unknown one nothing."""
    return read_description(name, root).caption if described(name, root) else ""
