from pathlib import Path

import numpy as np
import pytest
import torch
from support.labels import LABELS
from support.training import head, text_rows, vector_rows

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.ranking import macro_f1, mean_average_precision
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.training.distributed import Processes
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.validation import check_logits, check_step, measure, predict

IDS = ["a", "b", "c", "d"]
BATCHES = [np.array([2, 0]), np.array([1, 3])]


def test_logits_come_back_in_the_order_of_the_rows(
    tiny_bert, encoder_params, emotion_frame, training_params
):
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.5, labels=LABELS)
    rows = text_rows(emotion_frame(11), tiny_bert)
    found = predict(model, rows, training_params(batch_size=4), Processes())
    with torch.no_grad():
        for index in range(rows.count):
            alone = model(**rows.collate([rows.features[index]]))["logits"]
            torch.testing.assert_close(torch.from_numpy(found[index : index + 1]), alone)


def test_logits_are_those_of_full_precision_whatever_training_uses(
    separable_vectors, training_params
):
    rows = vector_rows(*separable_vectors(40))
    model = head()
    exact = model(**rows.collate(rows.features))["logits"].detach().numpy()
    found = predict(model, rows, training_params(precision="bfloat16"), Processes())
    np.testing.assert_allclose(found, exact, atol=1e-6)
    rounded = torch.from_numpy(exact).bfloat16()
    assert rounded.unique().numel() < np.unique(found).size  # bfloat16 would tie


def test_metrics_are_those_of_the_evaluation(separable_vectors):
    _, gold = separable_vectors(40)
    logits = np.random.default_rng(0).normal(size=gold.shape).astype(np.float32)
    found = measure(logits, gold, binary_cross_entropy)
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    assert found.map == pytest.approx(mean_average_precision(gold, probabilities))
    assert found.macro_f1 == pytest.approx(macro_f1(gold, probabilities))
    clipped = np.where(gold == 1, probabilities, 1 - probabilities)
    assert found.loss == pytest.approx(-np.log(clipped).mean(), rel=1e-5)


def test_finite_numbers_pass():
    check_step([0.1, 1e30], 3.0, BATCHES, IDS, 7, None)
    check_logits(np.full((4, 28), 1e30, dtype=np.float32), IDS, 7, None)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_bad_loss_names_step_rows_and_checkpoint(bad):
    with pytest.raises(EmotionSlmError) as stopped:
        check_step([0.1, bad], bad, BATCHES, IDS, 7, Path("x/checkpoint-6"))
    assert str(stopped.value).startswith(
        f"training diverged: the loss is {bad} at step 7, rows b, d; the last good checkpoint is "
        "x/checkpoint-6; "
    )


def test_a_bad_gradient_names_all_rows_of_the_step():
    with pytest.raises(EmotionSlmError, match=r"norm is nan at step 7, rows c, a, b, d; no check"):
        check_step([0.1, 0.2], float("nan"), BATCHES, IDS, 7, None)


def test_bad_validation_logits_name_their_rows():
    logits = np.zeros((4, 28), dtype=np.float32)
    logits[1, 3], logits[2, 0] = np.nan, np.inf
    with pytest.raises(EmotionSlmError, match=r"not finite after step 7, rows b, c; no"):
        check_logits(logits, IDS, 7, None)
