import numpy as np
import pytest
import torch
from support.training import head, text_rows, vector_rows

from emotion_slm.common.ranking import macro_f1, mean_average_precision
from emotion_slm.encoder.adapted import build_encoder
from emotion_slm.training.distributed import Processes
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.validation import measure, predict


@pytest.mark.parametrize("size", [{"batch_size": 4}, {"tokens_per_batch": 20}], ids=str)
def test_logits_come_back_in_the_order_of_the_rows(
    size, tiny_bert, encoder_params, emotion_frame, training_params
):
    model = build_encoder(encoder_params(tiny_bert), None, dropout=0.5)
    rows = text_rows(emotion_frame(11), tiny_bert)
    params = training_params(**{"batch_size": None} | size)
    found = predict(model, rows, params, Processes())
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
