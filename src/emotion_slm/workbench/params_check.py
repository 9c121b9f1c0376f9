"""params.yaml checked whole, before the first stage that could waste time on it."""

from typing import Any

from emotion_slm.balance.params import IsmoteParams, UndersampleParams
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.corpus.description import read_description, sha256
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.corpus.params import FetchParams, SplitParams
from emotion_slm.encoder.params import AdaptParams, EmbedParams, EncoderParams
from emotion_slm.evaluation.params import BaselinesParams, EvaluateParams
from emotion_slm.training.params import complete_loss

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
    problems = _unknown_labels(document, description.label_set)
    if problems:
        raise EmotionSlmError("\n".join(problems))
    settings["fetch"] = {"corpus": name, "sha256": sha256(name, description)}
    for name in ("adapt", "finetune"):
        if not document.is_none(name):
            settings[name] = {**settings[name], "loss": complete_loss(settings[name]["loss"])}
    return settings


def _unknown_labels(document: Document, labels: LabelSet) -> list[str]:
    """What the profile says of labels that its corpus does not have."""
    where = f"{document.path}: profiles.{document.profile}"
    problems = []
    if not document.is_none("ismote"):
        for name in document.section("ismote", IsmoteParams).named:
            try:
                labels.known(name)
            except EmotionSlmError as error:
                problems.append(f"{where}.ismote: {error}")
    if not document.is_none("undersample") and labels.thin is None:
        problems.append(
            f"{where}.undersample: the corpus has no `thin` label to thin; name one in its "
            "description, or use `undersample: none`"
        )
    return problems
