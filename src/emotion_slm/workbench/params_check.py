"""params.yaml checked whole, before the first stage that could waste time on it."""

from typing import Any

from emotion_slm.balance.params import IsmoteParams, UndersampleParams
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.errors import EmotionSlmError, did_you_mean
from emotion_slm.common.params import Document
from emotion_slm.corpus.description import (
    Description,
    described_at,
    local_files,
    read_description,
    sha256,
)
from emotion_slm.corpus.labels import SINGLE_LABEL
from emotion_slm.corpus.params import FetchParams, SplitParams
from emotion_slm.corpus.reading import read_rows
from emotion_slm.encoder.params import AdaptParams, EmbedParams, EncoderParams, StartParams
from emotion_slm.encoder.start import described
from emotion_slm.evaluation.params import BaselinesParams, EvaluateParams
from emotion_slm.training.params import check_loss, complete_loss

SECTIONS = {
    "split": SplitParams,
    "baselines": BaselinesParams,
    "evaluate": EvaluateParams,
    "fetch": FetchParams,
    "encoder": EncoderParams,
    "adapt": AdaptParams,
    "embed": EmbedParams,
    "undersample": UndersampleParams,
    "ismote": IsmoteParams,
    "finetune": FinetuneParams,
}


def checked_settings(document: Document) -> dict[str, Any]:
    """The settings of the chosen profile, its losses complete.

    EmotionSlmError lists every bad key of every section that the profile touches.
    """
    problems = []
    for name, model in SECTIONS.items():
        try:
            if not document.is_none(name):
                document.section(name, model)
        except EmotionSlmError as error:
            problems.append(str(error))
    if problems:
        raise EmotionSlmError("\n".join(problems))
    settings = document.settings
    name = document.section("fetch", FetchParams).corpus
    description = read_description(name)
    # First what it is made of: a missing file is told with the way to it.
    settings["fetch"] = {"corpus": name, "sha256": sha256(name, description)}
    problems = [
        *_unfit(document, name, description),
        *_other_losses(document, description.task == SINGLE_LABEL),
    ]
    encoder = document.section("encoder", EncoderParams)
    if encoder.start and not problems:
        start = described(encoder)
        problems += _unfit_start(document, start, name)
        settings["encoder"] = {**settings["encoder"], "start": start.model_dump()}
    if problems:
        raise EmotionSlmError("\n".join(problems))
    for name in ("adapt", "finetune"):
        if not document.is_none(name):
            settings[name] = {**settings[name], "loss": complete_loss(settings[name]["loss"])}
    return settings


def _unfit(document: Document, corpus: str, description: Description) -> list[str]:
    """What the profile says that its corpus is not made for."""
    where = f"{document.path}: profiles.{document.profile}"
    problems = []
    if document.section("split", SplitParams).protocol == "official" and not (
        description.gives_splits
    ):
        problems.append(
            f"{document.path}: split.protocol: official takes the splits that a corpus comes in; "
            f"give `files` for train, validation and test in {described_at(corpus)}, or use pooled"
        )
    if not document.is_none("ismote"):
        named = document.section("ismote", IsmoteParams).named
        labels = _labels(corpus, description) if named else []
        problems += [
            f"{where}.ismote: unknown label {name!r}{did_you_mean(name, labels)}"
            for name in named
            if name not in labels
        ]
    if not document.is_none("undersample") and description.thin is None:
        problems.append(
            f"{where}.undersample: the corpus has no `thin` label to thin; name one in its "
            "description, or use `undersample: none`"
        )
    return problems


def _labels(corpus: str, description: Description) -> list[str]:
    """The labels of a corpus: those that its description names, else those of its files."""
    if description.names is not None:
        return description.names
    if not local_files(corpus, description):
        raise EmotionSlmError(
            f"{described_at(corpus)}: names: missing key; the profile speaks of labels, and those "
            "of a corpus from elsewhere are known only when it has been fetched"
        )
    return read_rows(corpus, description).checked().names


def _other_losses(document: Document, single: bool) -> list[str]:
    """Losses of the profile that do not fit how many labels a row of its corpus carries."""
    problems = []
    for name, model in (("adapt", AdaptParams), ("finetune", FinetuneParams)):
        if not document.is_none(name):
            try:
                check_loss(document.section(name, model).loss.name, single)
            except EmotionSlmError as error:
                where = f"{document.path}: profiles.{document.profile}.{name}.loss"
                problems.append(f"{where}: {error}")
    return problems


def _unfit_start(document: Document, start: StartParams, corpus: str) -> list[str]:
    """Why the run must not begin with the model that its encoder names."""
    where = f"{document.path}: profiles.{document.profile}"
    problems = []
    if document.is_none("adapt") or document.section("adapt", AdaptParams).lora != "none":
        problems.append(
            f"{where}.encoder.start: only an adapt stage that trains every weight can begin with a "
            "packaged model; set adapt.lora to none, or leave encoder.start out"
        )
    if start.corpus == corpus:
        problems.append(
            f"{where}.encoder.start: {start.package} was trained on {corpus} already, and may have "
            "read what is validation or test here; start from a model of another corpus"
        )
    return problems
