from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.labels import GOEMOTIONS, LABELS

from emotion_slm.classifier.finetune import LabelledVectors, finetune
from emotion_slm.classifier.finetuned import WEIGHTS
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_json
from emotion_slm.encoder.adapted import CONFIG, HEAD, write_frozen

WIDTH = 32


@pytest.fixture
def rows() -> LabelledVectors:
    """Label k is where the vector's coordinate k is positive."""
    vectors = np.random.default_rng(0).normal(size=(64, WIDTH)).astype(np.float32)
    gold = (vectors[:, : len(LABELS)] > 0).astype(np.int8)
    return LabelledVectors(vectors, gold, [f"row-{index}" for index in range(64)])


@pytest.fixture
def adapted(tmp_path):
    """Function: sign of the head's weights → models/adapted with a head that is all right or all
    wrong."""

    def write(sign: int) -> Path:
        folder = tmp_path / f"adapted{sign}"
        folder.mkdir()
        weight = sign * torch.eye(len(LABELS), WIDTH)
        tensors = {"weight": weight.half(), "bias": torch.zeros(len(LABELS)).half()}
        save_file(tensors, folder / HEAD)
        write_json(folder / CONFIG, {"frozen": False})
        return folder

    return write


@pytest.fixture
def fit(rows, training_params, tmp_path):
    """Function: (models/adapted, start, keys of `training`) → training and weights on disk."""

    def run(folder: Path, start: str = "adapted", **training):
        params = FinetuneParams(
            classifier={"name": "linear"},
            start=start,
            loss={"name": "bce"},
            training=training_params(**training),
        )
        output, checkpoints = tmp_path / "finetuned", tmp_path / "checkpoints"
        done = finetune(rows, rows, GOEMOTIONS, params, 0, output, checkpoints, folder)
        return done, load_file(output / WEIGHTS)

    return run


def test_an_adapted_head_that_no_epoch_betters_is_kept_to_the_bit(fit, adapted):
    folder = adapted(1)
    done, weights = fit(folder, learning_rate=1.0)
    assert [epoch.epoch for epoch in done.curve] == [0, 1, 2]
    assert done.curve[0].validation_map == 1.0
    head = load_file(folder / HEAD)
    assert torch.equal(weights["layers.0.weight"], head["weight"])
    assert torch.equal(weights["layers.0.bias"], head["bias"])


def test_an_adapted_head_that_training_betters_is_not(fit, adapted):
    done, weights = fit(adapted(-1), learning_rate=0.1, epochs=8)
    quality = [epoch.validation_map for epoch in done.curve]
    assert max(quality) > quality[0]
    assert (weights["layers.0.weight"].diagonal() > -1).any()


def test_epoch_0_tells_the_loss_of_the_start(fit, adapted, rows):
    done, _ = fit(adapted(1))
    logits = torch.from_numpy(rows.vectors[:, : len(LABELS)])
    gold = torch.from_numpy(rows.gold).float()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, gold)
    assert done.curve[0].train_loss == pytest.approx(float(expected), rel=1e-6)
    assert done.curve[0].validation_loss == done.curve[0].train_loss


def test_a_fresh_head_has_no_epoch_0(fit, adapted):
    done, _ = fit(adapted(1), start="fresh")
    assert [epoch.epoch for epoch in done.curve] == [1, 2]


def test_a_frozen_encoder_has_no_head_to_start_from(fit, tmp_path):
    folder = tmp_path / "frozen"
    write_frozen(folder)
    with pytest.raises(EmotionSlmError, match=r"set finetune\.start to fresh"):
        fit(folder)
    assert not (tmp_path / "finetuned").exists()
