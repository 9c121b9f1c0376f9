"""SmolLM2's real weights: what they make of a vector at the attention sink, and of one after it."""

import numpy as np
import pytest
import torch
from support.labels import LABELS

from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.one_position import OnePositionClassifier
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.training.losses import binary_cross_entropy

pytestmark = pytest.mark.drill

ROWS, WIDTH, STEPS = 64, 384, 20


@pytest.fixture(scope="module")
def build(smollm2, backbone_params):
    """Function: prefix → a fresh classifier."""

    def make(prefix: str) -> OnePositionClassifier:
        torch.manual_seed(0)
        params = OnePositionSlm(
            name="one_position",
            prefix=prefix,
            backbone=backbone_params(smollm2),
            dropout=0.0,
            lora=LoraParams(r=16, alpha=32, dropout=0.0),
        )
        return build_classifier(params, WIDTH, LABELS)

    return make


@pytest.fixture(scope="module")
def rows() -> tuple[torch.Tensor, torch.Tensor]:
    """(ROWS, WIDTH) unit vectors around one centre a label, and their (ROWS, labels) gold."""
    random = np.random.default_rng(0)
    label = np.arange(ROWS) % len(LABELS)
    vectors = (
        random.normal(size=(len(LABELS), WIDTH))[label] + random.normal(size=(ROWS, WIDTH)) / 4
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gold = np.eye(len(LABELS))[label]
    return torch.from_numpy(vectors.astype(np.float32)), torch.from_numpy(gold.astype(np.float32))


def share_varying(model: OnePositionClassifier, vectors: torch.Tensor) -> float:
    """The share of the energy of the last states that is not in their mean."""
    with torch.no_grad():
        states = model.backbone(**model.positions(vectors)).last_hidden_state[:, -1].double()
    return 1 - float(states.mean(0).pow(2).sum() / states.pow(2).sum(1).mean())


def trained(model: OnePositionClassifier, rows: tuple[torch.Tensor, torch.Tensor]) -> float:
    """The loss of `rows` after STEPS steps on them."""
    vectors, gold = rows
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = binary_cross_entropy(model(vectors).logits, gold)
        loss.backward()
        optimiser.step()
    return loss.item()


def test_after_bos_rows_are_told_apart_in_a_few_steps_and_at_the_sink_they_are_not(build, rows):
    shares = torch.logit(rows[1].mean(0)).expand(ROWS, -1)  # what a constant can say at best
    best_constant = binary_cross_entropy(shares, rows[1]).item()
    sink, second = build("none"), build("bos")
    assert share_varying(sink, rows[0]) < 0.02
    assert trained(sink, rows) > 0.97 * best_constant
    assert share_varying(sink, rows[0]) < 0.01
    assert trained(second, rows) < 0.8 * best_constant
    assert share_varying(second, rows[0]) > 0.1
