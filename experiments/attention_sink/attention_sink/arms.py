"""The arms of params.yaml, classifiers on the same frozen vectors, and the rows they share."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from goemotions import LABELS, to_matrix
from ruamel.yaml import YAML
from torch import nn

from emotion_slm.backbone.loading import load_backbone
from emotion_slm.backbone.params import BackboneParams
from emotion_slm.balance.rows import read_balanced
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import LabelledVectors
from emotion_slm.classifier.one_position import around
from emotion_slm.classifier.params import FinetuneParams, LinearHead, MlpHead, OnePositionSlm
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.encoder.vectors import check_normalization, read_vectors

PROFILES = {"smollm2": "recipe-smollm2", "minilm": "recipe-minilm"}  # by backbone
SCRATCH = Path(".scratch")
NARROW = 288  # width of SmolLM2's projection, half of its own
CLS = 101  # number of [CLS] in the vocabulary of BERT, which MiniLM reads with


class Arm(NamedTuple):
    name: str
    seed: int

    @property
    def scratch(self) -> Path:
        """Where its training is kept, and what it scored."""
        return SCRATCH / f"{self.name}-{self.seed}"


class Sets(NamedTuple):
    """Rows to learn from, to pick the epoch by and to score; `groups` of equal texts of `score`."""

    train: LabelledVectors
    curve: LabelledVectors
    score: LabelledVectors
    groups: np.ndarray


class Experiment(NamedTuple):
    """params.yaml, the settings of the profiles, and where SmolLM2 lies."""

    params: Mapping
    document: Document
    smollm2: Path

    @classmethod
    def read(cls, root: Path, smollm2: Path) -> "Experiment":
        """`root`: the repository's; `smollm2`: the folder that benchmarks.smollm2 wrote."""
        params = YAML(typ="safe").load(Path("params.yaml"))
        return cls(params, Document.read(root / paths.PARAMS), smollm2)

    def arms(self) -> Iterator[Arm]:
        for seed in self.params["seeds"]:
            for name in self.params["arms"]:
                yield Arm(name, seed)

    def backbone(self, name: str) -> BackboneParams:
        """The pinned model: MiniLM from its package, SmolLM2 from its folder."""
        backbone = self._profile(PROFILES[name]).classifier.backbone
        if name == "minilm":
            return backbone
        pinned = {"id": str(self.smollm2), "sha256": self.params["smollm2_sha256"]}
        return BackboneParams(**backbone.model_dump() | pinned)

    def one_position(self, backbone: str, prefix: str) -> OnePositionSlm:
        """The profile's classifier around `backbone`, the vector alone or after BOS."""
        recipe = self._profile(PROFILES[backbone]).classifier
        return recipe.model_copy(update={"backbone": self.backbone(backbone), "prefix": prefix})

    def finetune(self, arm: Arm) -> FinetuneParams:
        """How the arm is trained: profile recipe-smollm2 with the changes of params.yaml."""
        own = self.params["arms"][arm.name]
        recipe = self._profile(PROFILES["smollm2"])
        changes = dict(self.params["training"])
        changes["learning_rate"] = own.get("learning_rate", changes["learning_rate"])
        if own["classifier"] == "linear":
            classifier = LinearHead(name="linear")
        elif own["classifier"] == "mlp":
            classifier = MlpHead(name="mlp", hidden=NARROW, dropout=recipe.classifier.dropout)
        else:
            classifier = self.one_position(own["classifier"], own["prefix"])
        training = recipe.training.model_dump() | changes | {"checkpoint_steps": None}
        return FinetuneParams(classifier=classifier, loss=recipe.loss, training=training)

    def _profile(self, name: str) -> FinetuneParams:
        return self.document.with_profile(name).section("finetune", FinetuneParams)


def build(params: FinetuneParams, width: int) -> nn.Module:
    """A fresh classifier of vectors of `width`.

    BERT's first token is [CLS], which its config does not name: here it stands for BOS. A decoder's
    frozen weights are bfloat16, as the hub has them, which is faster.
    """
    classifier = params.classifier
    if not isinstance(classifier, OnePositionSlm):
        return build_classifier(classifier, width, LABELS)
    backbone = load_backbone(classifier.backbone, max_length=2)
    if backbone.config.model_type == "bert":
        backbone.config.bos_token_id = CLS
    else:
        backbone.to(torch.bfloat16)
    return around(backbone, classifier, width, LABELS)


def read_sets(workspace: Path, rows: Mapping[str, int]) -> Sets:
    """The rows that params.yaml asks for; EmotionSlmError where vectors are not of unit length.

    `workspace`: a checkout whose data/ holds the vectors and balanced rows of `recipe-minilm`.
    """
    check_normalization(workspace / paths.EMBEDDED, True)
    vectors, balanced = read_balanced(workspace / paths.BALANCED)
    chosen = _draw(len(balanced), rows["train"], rows["seed"], "train")
    drawn = balanced.iloc[chosen]
    train = LabelledVectors(
        np.asarray(vectors[chosen]), to_matrix(drawn["labels"]), drawn["id"].tolist()
    )
    columns = ("id", "labels", "duplicate_group")
    validation = read_parquet(workspace / paths.SPLIT / "validation.parquet", columns)
    both = _draw(len(validation), rows["curve"] + rows["score"], rows["seed"], "validation")
    parts = [validation.iloc[np.sort(part)] for part in np.split(both, [rows["curve"]])]
    curve, score = (
        LabelledVectors(
            read_vectors(workspace / paths.EMBEDDED, part["id"].tolist()),
            to_matrix(part["labels"]),
            part["id"].tolist(),
        )
        for part in parts
    )
    return Sets(train, curve, score, parts[1]["duplicate_group"].to_numpy())


def _draw(available: int, count: int, seed: int, name: str) -> np.ndarray:
    """(count,) distinct rows in an order by chance."""
    random = np.random.default_rng(child_seed(seed, f"attention sink {name}"))
    return random.permutation(available)[:count]
