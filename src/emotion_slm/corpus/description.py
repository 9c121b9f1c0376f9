"""corpora/NAME.yaml: what a corpus is made of, and where its files come from."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.files import sha256_file
from emotion_slm.common.params import Section, checked, load_yaml
from emotion_slm.common.paths import CORPORA, SPLITS
from emotion_slm.corpus.labels import Corpus, LabelSet, Prose, Words

Role = Literal["train", "validation", "test"]
Grouping = dict[str, list[str]]
GROUPS = "groups"  # the grouping of a description that names but one


class LabelColumn(Section):
    """Labels in one column, between separators; with `positions`, as places in `names`, from 0."""

    column: str
    separator: str
    positions: bool = False


class Sources(Section):
    """Where the files are to be had: a local folder, a data set on the hub, a folder on the web."""

    folder: str | None = None
    hub: str | None = None
    revision: str | None = None
    config: str | None = None
    url: str | None = None


class Description(Section):
    """A corpus. `sha256` pins files by their name; `made_from`: the sample corpus's material."""

    title: Words
    language: Words = "en"
    caption: Words = ""
    limits: list[Prose] = Field(default_factory=list)
    sources: Sources = Sources()
    made_from: str | None = None
    files: dict[Role, str]
    sha256: dict[str, str] = Field(default_factory=dict)
    columns: list[str]
    text: str
    id: str
    labels: LabelColumn
    task: Literal["multi_label"] = "multi_label"
    names: Annotated[list[Words], Field(min_length=2)]
    thin: str | None = None
    thinned_as_published: Annotated[int, Field(ge=1)] | None = None
    targets: list[str] = Field(default_factory=list)
    groups: Grouping | dict[str, Grouping] = Field(default_factory=dict)
    definitions: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def names_are_known(self) -> "Description":
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"names: {twice[0]!r} is there twice")
        for key, names in self._named().items():
            for name in names:
                if name not in self.names:
                    raise ValueError(
                        f"{key}: unknown label {name!r}{did_you_mean(name, self.names)}"
                    )
        return self

    def _named(self) -> dict[str, list[str]]:
        """The labels that each key mentions."""
        return {
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
    def in_order(self) -> list[str]:
        """The names of the files: train, validation, test."""
        return [self.files[role] for role in SPLITS if role in self.files]

    @property
    def label_set(self) -> LabelSet:
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
        )

    def corpus(self, name: str) -> Corpus:
        hub = {
            key: value
            for key in ("hub", "revision", "config")
            if (value := getattr(self.sources, key))
        }
        return Corpus(
            name=name,
            title=self.title,
            labels=self.label_set,
            task=self.task,
            language=self.language,
            caption=self.caption,
            limits=tuple(text.strip() for text in self.limits),
            hub=hub or None,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what it says, whatever its comments and line breaks."""
        content = json.dumps(self.model_dump(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def read_description(name: str, root: Path = Path()) -> Description:
    """The description of corpus `name`; EmotionSlmError names each bad key, and the nearest."""
    path = root / CORPORA / f"{name}.yaml"
    if not described(name, root):
        known = sorted(found.stem for found in (root / CORPORA).glob("*.yaml"))
        raise EmotionSlmError(f"{path}: no such corpus{did_you_mean(name, known)}")
    return checked(Description, load_yaml(path), path)


def described(name: str, root: Path = Path()) -> bool:
    """Whether there is a description of that name; what is no name of a file has none."""
    return name == Path(name).name != "" and (root / CORPORA / f"{name}.yaml").is_file()


def sha256(name: str, description: Description) -> dict[str, str]:
    """Of what the description says and of each local file it is made from, by their names."""
    made_from = [description.made_from] if description.made_from else []
    files = {file: sha256_file(CORPORA / name / file) for file in made_from}
    return {"description": description.fingerprint, **files}


def caption(name: str, root: Path = Path()) -> str:
    """What a corpus wants said wherever its results are shown; of an unknown one nothing."""
    return read_description(name, root).caption if described(name, root) else ""
