"""The mean of several trainings is theirs, resumes as they do, and is kept only if it is better."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.labels import GOEMOTIONS
from support.training import head, vector_rows

from emotion_slm.encoder import adapt as adapting
from emotion_slm.encoder.adapt import adapt
from emotion_slm.encoder.adapted import ENCODER, HEAD
from emotion_slm.encoder.params import AdaptParams
from emotion_slm.encoder.soup import cook
from emotion_slm.training.curve import Epoch, best
from emotion_slm.training.losses import binary_cross_entropy
from emotion_slm.training.trainer import Training


@pytest.fixture
def rows(separable_vectors):
    return vector_rows(*separable_vectors(24))


def learnt(weights: list[torch.Tensor], curves: list[list[Epoch]]):
    """A training that ends with given weights and a given curve."""

    def train(number, report):
        model = head()
        with torch.no_grad():
            model.layers[1].weight.copy_(weights[number])
        report(curves[number])
        return model, Training(curves[number], 100.0 + number)

    return train


def epochs(*scores: float) -> list[Epoch]:
    return [Epoch(number, 0.1 * number, 0.2, score, 0) for number, score in enumerate(scores, 1)]


@pytest.fixture
def halves(rows):
    """Two weights, of which the mean knows every label and each one alone but half of them."""
    centres = np.stack(
        [
            rows.features[rows.gold[:, label] > 0].mean(axis=0)
            if rows.gold[:, label].any()
            else np.zeros(32, np.float32)
            for label in range(28)
        ]
    )
    known = torch.from_numpy(centres.astype(np.float32)) * 20
    first, second = known.clone(), known.clone()
    first[::2] *= -0.5
    second[1::2] *= -0.5
    return [first, second]


def test_the_mean_is_kept_where_it_is_better(halves, rows, training_params):
    told = []
    train = learnt(halves, [epochs(0.1, 0.2), epochs(0.3, 0.1)])
    model, done = cook(head, train, 2, training_params(), binary_cross_entropy, rows, told.append)
    assert torch.allclose(model.layers[1].weight, (halves[0] + halves[1]) / 2)
    assert [epoch.epoch for epoch in done.curve] == [1, 2, 3, 4, 5]
    assert [epoch.validation_map for epoch in done.curve[:4]] == [0.1, 0.2, 0.3, 0.1]
    assert best(done.curve, "map") is done.curve[-1]
    assert done.curve[-1].train_loss == pytest.approx((0.2 + 0.1) / 2)  # of the epochs kept
    assert done.samples_per_second == 101 and done.averaged == 2
    assert [len(curve) for curve in told] == [2, 4, 5]
    assert told[-1] == done.curve


def test_one_training_is_kept_where_it_is_better_than_the_mean(halves, rows, training_params):
    train = learnt(halves, [epochs(0.1), epochs(0.2, 1.1)])
    model, done = cook(
        head, train, 2, training_params(), binary_cross_entropy, rows, lambda curve: None
    )
    assert torch.equal(model.layers[1].weight, halves[1])
    assert best(done.curve, "map") is done.curve[2]


@pytest.fixture
def soup_params(training_params) -> AdaptParams:
    return AdaptParams(
        lora="none",
        head="definitions",
        dropout=0.1,
        loss={"name": "bce"},
        training=training_params(batch_size=8),
        soup={"runs": 2, "rewritten": 0.5},
    )


def test_of_equal_scores_the_training_is_kept(halves, rows, training_params):
    def cooked(score):
        train = learnt(halves, [epochs(score)] * 2)
        return cook(
            head, train, 2, training_params(), binary_cross_entropy, rows, lambda curve: None
        )

    _, lower = cooked(0.1)
    model, done = cooked(lower.curve[-1].validation_map)  # that of the mean
    assert best(done.curve, "map") is done.curve[0]
    assert torch.equal(model.layers[1].weight, halves[0])


@pytest.mark.parametrize(
    ("bad", "where"),
    [({"runs": 1}, "runs"), ({"rewritten": 1.5}, "rewritten"), ({"run": 2}, "run")],
)
def test_a_bad_soup_is_named(bad, where, soup_params):
    content = soup_params.model_dump()
    with pytest.raises(ValueError, match=where):
        AdaptParams(**content | {"soup": content["soup"] | bad})


def test_adapters_are_not_averaged(soup_params):
    content = soup_params.model_dump() | {"lora": {"r": 2, "alpha": 4, "dropout": 0}}
    with pytest.raises(ValueError, match=r"a `soup` needs `lora: none`"):
        AdaptParams(**content)


def adapted(folder, tiny_bert, encoder_params, params, emotion_frame) -> Training:
    train, validation = emotion_frame(24), emotion_frame(12, seed=1)
    encoder, scratch = encoder_params(tiny_bert), folder / "scratch"
    return adapt(train, validation, GOEMOTIONS, encoder, params, 5, folder / "out", scratch)


def test_the_first_training_reads_texts_as_they_are_and_is_what_it_is_alone(
    soup_params, tiny_bert, encoder_params, emotion_frame, tmp_path, monkeypatch
):
    trained, rewritten = [], []
    train, rewrite = adapting.train, adapting.rewrite
    monkeypatch.setattr(
        adapting,
        "train",
        lambda *given: trained.append([list(ids) for ids in given[2].features]) or train(*given),
    )
    monkeypatch.setattr(
        adapting, "rewrite", lambda *given: rewritten.append(given[1]) or rewrite(*given)
    )
    several = adapted(tmp_path / "soup", tiny_bert, encoder_params, soup_params, emotion_frame)
    alone = soup_params.model_copy(update={"soup": None})
    one = adapted(tmp_path / "one", tiny_bert, encoder_params, alone, emotion_frame)
    assert several.curve[:2] == one.curve and len(several.curve) == 5
    assert trained[0] == trained[2] != trained[1]
    assert rewritten == [0.5]


def test_a_soup_that_was_stopped_goes_on_to_the_same_bytes(
    soup_params, tiny_bert, encoder_params, emotion_frame, tmp_path, monkeypatch
):
    adapted(tmp_path / "whole", tiny_bert, encoder_params, soup_params, emotion_frame)

    def stop(texts, share, seed):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adapting, "rewrite", stop)
        adapted(tmp_path / "stopped", tiny_bert, encoder_params, soup_params, emotion_frame)
    assert list((tmp_path / "stopped/scratch/run-0").glob("checkpoint-*"))
    adapted(tmp_path / "stopped", tiny_bert, encoder_params, soup_params, emotion_frame)
    for name in (ENCODER, HEAD):
        first, second = (load_file(tmp_path / run / "out" / name) for run in ("whole", "stopped"))
        assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
