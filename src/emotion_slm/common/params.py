"""params.yaml, and the settings of a run: those of the profile chosen there.

Stage `params` writes the settings into metrics/params.yaml, by section and without the profile's
name in any key, and the other stages read them there. So equal settings are equal work for DVC,
whatever their profile is called.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.files import require, write_bytes
from emotion_slm.common.paths import PARAMS, RUN

SHARED_SECTIONS = ("split", "baselines", "evaluate")
PROFILE_SECTIONS = ("fetch", "encoder", "adapt", "embed", "undersample", "ismote", "finetune")
RUN_KEYS = ("profile", "seed", "threads", *SHARED_SECTIONS, *PROFILE_SECTIONS)
TOP_KEYS = ("profile", "seed", "threads", *SHARED_SECTIONS, "profiles")
NONE = "none"  # a stage that a profile skips: `adapt: none`


class Section(BaseModel):
    """Base of every section: immutable, exact types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


SectionT = TypeVar("SectionT", bound=Section)
ModelT = TypeVar("ModelT", bound=BaseModel)
SHOWN_CHARACTERS = 80  # of a value that is wrong
MOST_PROBLEMS = 20
ABSENT = "give it in params.yaml, or with `dvc exp run --set-param KEY=VALUE`"


class Document(NamedTuple):
    """params.yaml, or the settings of a run, read and checked for its keys."""

    path: Path
    profile: str
    seed: int
    threads: int
    shared: dict[str, Any]
    profiles: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path = PARAMS) -> "Document":
        """Read params.yaml; EmotionSlmError names the key and the nearest valid one."""
        raw = load_yaml(path)
        _check_keys(path, "", raw, TOP_KEYS)
        profiles = raw["profiles"]
        if not isinstance(profiles, dict) or not profiles:
            raise EmotionSlmError(f"{path}: profiles: expected a mapping of profiles")
        for name, sections in profiles.items():
            _check_keys(path, f"profiles.{name}", sections, PROFILE_SECTIONS)
        if not isinstance(raw["profile"], str) or raw["profile"] not in profiles:
            hint = did_you_mean(str(raw["profile"]), profiles)
            raise EmotionSlmError(f"{path}: profile: no profile {raw['profile']!r}{hint}")
        return cls._of(path, raw, profiles)

    @classmethod
    def of_run(cls, path: Path = RUN) -> "Document":
        """Read what `write_run` wrote; EmotionSlmError when a key is missing or unknown."""
        raw = load_yaml(path)
        _check_keys(path, "", raw, RUN_KEYS)
        return cls._of(path, raw, {raw["profile"]: {name: raw[name] for name in PROFILE_SECTIONS}})

    @classmethod
    def _of(cls, path: Path, raw: dict[str, Any], profiles: dict[str, Any]) -> "Document":
        return cls(
            path=path,
            profile=raw["profile"],
            seed=_integer(path, raw, "seed", minimum=0),
            threads=_integer(path, raw, "threads", minimum=1),
            shared={name: raw[name] for name in SHARED_SECTIONS},
            profiles=profiles,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that shapes a run of the chosen profile, by the names of RUN_KEYS."""
        return {
            "profile": self.profile,
            "seed": self.seed,
            "threads": self.threads,
            **self.shared,
            **self.profiles[self.profile],
        }

    def with_profile(self, profile: str) -> "Document":
        """The same document with another profile chosen."""
        return self._replace(profile=profile)

    def is_none(self, name: str) -> bool:
        """Whether the profile skips stage `name`."""
        return self.profiles[self.profile].get(name) == NONE

    def section(self, name: str, model: type[SectionT]) -> SectionT:
        """Section `name` as `model`; EmotionSlmError names each bad key by its full path."""
        if name in SHARED_SECTIONS:
            where, content = name, self.shared[name]
        else:
            where, content = f"profiles.{self.profile}.{name}", self.profiles[self.profile][name]
        return checked(model, content, self.path, where, f"; {ABSENT}")


def checked(
    model: type[ModelT],
    content: object,
    path: Path,
    where: str = "",
    absent: str = "",
    most: int = MOST_PROBLEMS,
) -> ModelT:
    """`content` as `model`; EmotionSlmError names the file, and each bad key by its full path.

    `where`: the key in `path` at which `content` stands. `absent`: what to do about a missing key.
    `most`: how many bad keys are named.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = _describe_all(where, content, model, error, absent)[:most]
        raise EmotionSlmError("\n".join(f"{path}: {line}" for line in problems)) from None


def write_run(settings: dict[str, Any], path: Path = RUN) -> None:
    """Write the settings of a run, keys in the order of RUN_KEYS."""
    from ruamel.yaml import YAML

    text = io.StringIO("# The settings of this run, written by stage params: edit params.yaml.\n")
    text.seek(0, io.SEEK_END)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output = False, False
    yaml.dump({name: settings[name] for name in RUN_KEYS}, text)
    write_bytes(path, text.getvalue().encode())


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping; EmotionSlmError when the file is missing or holds something else."""
    # ruamel.yaml is the reader DVC uses: YAML 1.2, where 1e-4 is a number.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if not path.exists():
        of_run = path.parts[-2:] == RUN.parts
        remedy = "`dvc repro params` writes it" if of_run else "run from the root of the repository"
        raise EmotionSlmError(f"{path}: no such file; {remedy}")
    try:
        content = YAML(typ="safe", pure=True).load(require(path).read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise EmotionSlmError(f"{path}: expected a mapping at the top level")
    return content


def _check_keys(path: Path, where: str, content: object, known: tuple[str, ...]) -> None:
    prefix = f"{where}." if where else ""
    if not isinstance(content, dict):
        raise EmotionSlmError(f"{path}: {where}: expected a mapping")
    for key in content:
        if key not in known:
            raise EmotionSlmError(
                f"{path}: {prefix}{key}: unknown key{did_you_mean(str(key), known)}"
            )
    for key in known:
        if key not in content:
            raise EmotionSlmError(f"{path}: {prefix}{key}: missing key")


def _integer(path: Path, content: dict[str, Any], key: str, minimum: int) -> int:
    value = content[key]
    if type(value) is not int or value < minimum:
        raise EmotionSlmError(f"{path}: {key}: expected an integer ≥ {minimum}, found {value!r}")
    return value


def _describe_all(
    where: str, content: object, model: type[BaseModel], error: ValidationError, absent: str
) -> list[str]:
    """Each problem as `path.of.key: what is wrong`, the most exact one where several overlap."""
    items = [(_yaml_path(content, item), item) for item in error.errors()[:MOST_PROBLEMS]]
    exact = [
        (path, item)
        for path, item in items
        if not any(len(other) > len(path) and other[: len(path)] == path for other, _ in items)
    ]
    problems = []
    for path, item in exact:
        place = ".".join(filter(None, [where, *path]))  # none, of what holds for the whole
        problem = _describe(model, path, item, absent)
        problems.append(f"{place}: {problem}" if place else problem)
    return problems


def _yaml_path(content: object, item: Any) -> list[str]:
    """pydantic's location without the parts that name union members, not keys of params.yaml."""
    path: list[str] = []
    for part in item["loc"]:
        is_key = isinstance(content, dict) and part in content
        is_index = isinstance(content, list) and isinstance(part, int)
        if is_key or is_index:
            content = content[part]
            path.append(plain(part))
    if item["type"] == "missing":
        path.append(plain(item["loc"][-1]))
    return path


def _describe(model: type[BaseModel], path: list[str], item: Any, absent: str) -> str:
    if item["type"] == "extra_forbidden":
        return f"unknown key{did_you_mean(path[-1], _field_names(model, path))}"
    if item["type"] == "missing":
        return f"missing key{absent}"
    if item["type"] == "union_tag_invalid":
        expected = item["ctx"]["expected_tags"]
        known = [tag.strip(" '") for tag in expected.split(",")]
        return f"name: unknown name {item['ctx']['tag']!r}{did_you_mean(item['ctx']['tag'], known)}"
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return f"{item['msg']}, found {shown(item['input'])}"


def shown(value: object) -> str:
    """A value as messages show it: on one line, and no more than SHOWN_CHARACTERS of it."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def plain(key: object) -> str:
    """A name as messages give it: as it stands, or as `shown` where it is long or unprintable."""
    text = str(key)
    return text if text.isprintable() and len(text) <= SHOWN_CHARACTERS else shown(text)


def _field_names(model: type[BaseModel], path: list[str]) -> list[str]:
    """The valid keys beside the unknown one at `path`, read from the model's JSON schema."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    names: list[str] = []
    pending = [schema]
    for part in path[:-1]:
        pending = [
            found
            for candidate in pending
            for option in _options(candidate, definitions)
            if (found := option.get("properties", {}).get(part)) is not None
        ]
    for candidate in pending:
        for option in _options(candidate, definitions):
            names.extend(name for name in option.get("properties", {}) if name not in names)
    return names


def _options(schema: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """`schema` with references resolved and unions flattened."""
    if "$ref" in schema:
        return _options(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return [option for part in schema[union] for option in _options(part, definitions)]
    return [schema]
