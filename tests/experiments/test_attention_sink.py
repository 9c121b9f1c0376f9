"""What the experiment on the attention sink measures, and what its pages say of it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from attention_sink.arms import Arm, Experiment, Sets
from attention_sink.results import difference, replicates, result, weighted_maps
from attention_sink.states import hidden_states, inputs, mean_cosine, share_varying, varying
from attention_sink.tables import percent, read, read_tables
from attention_sink.train import LOGITS, append, done, run
from fill_page import filled
from ruamel.yaml import YAML
from sklearn.metrics import average_precision_score
from support.labels import LABELS

from emotion_slm.backbone.params import LoraParams
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.finetuned import LabelledVectors
from emotion_slm.classifier.params import OnePositionSlm
from emotion_slm.common.params import Document

FOLDER = Path("experiments/attention_sink")
PAGE = Path("docs/understand/attention-sink.md")


@pytest.fixture
def experiment(monkeypatch, tmp_path, tiny_mistral, backbone_params) -> Experiment:
    """The experiment's own params.yaml, on a tiny decoder and for two epochs."""
    document = Document.read()
    monkeypatch.chdir(FOLDER)
    read = Experiment.read(Path("../.."), tiny_mistral)
    monkeypatch.chdir(tmp_path)
    training = read.params["training"] | {"epochs": 2, "batch_size": 8}
    hashes = backbone_params(tiny_mistral).sha256
    params = read.params | {"smollm2_sha256": hashes, "training": training}
    return Experiment(params, document, tiny_mistral)


@pytest.fixture
def sets(separable_vectors) -> Sets:
    def make(count: int) -> LabelledVectors:
        vectors, gold = separable_vectors(count)
        return LabelledVectors(vectors, gold, [str(row) for row in range(count)])

    return Sets(make(24), make(12), make(10), np.arange(10))


@pytest.fixture
def model(tiny_mistral, backbone_params):
    torch.manual_seed(0)
    params = OnePositionSlm(
        name="one_position",
        prefix="bos",
        backbone=backbone_params(tiny_mistral),
        dropout=0.0,
        lora=LoraParams(r=2, alpha=4, dropout=0.0),
    )
    return build_classifier(params, 12, LABELS).eval()


def test_the_share_that_varies_is_that_of_variance_in_energy():
    states = np.random.default_rng(0).normal(3, 2, size=(5, 4000, 6))
    np.testing.assert_allclose(share_varying(states), 4 / (4 + 9), atol=0.01)
    assert share_varying(np.ones((7, 3))) == pytest.approx(0)
    assert share_varying(np.array([[1.0, 0], [-1, 0]])) == 1


def test_the_mean_cosine_is_of_different_rows():
    states = np.random.default_rng(0).normal(1, 1, size=(7, 4)).astype(np.float32)
    unit = states / np.linalg.norm(states, axis=1, keepdims=True)
    products = unit @ unit.T
    assert mean_cosine(states) == pytest.approx(products[~np.eye(7, dtype=bool)].mean(), abs=1e-6)


def test_states_are_of_the_vectors_position_from_input_to_output(model):
    vectors = np.random.default_rng(1).normal(size=(5, 12)).astype(np.float32)
    positions = model.positions(torch.from_numpy(vectors))
    states = hidden_states(model, positions)
    assert states.shape == (3, 5, 32)
    assert np.array_equal(states[0], positions["inputs_embeds"][:, 1].detach().numpy())
    with torch.no_grad():
        logits = model.output(torch.from_numpy(states[-1]))
        torch.testing.assert_close(logits, model(torch.from_numpy(vectors)).logits)
    np.testing.assert_allclose(varying(model, vectors), share_varying(states))


def test_inputs_differ_in_the_vectors_position_alone(model):
    vectors = np.random.default_rng(1).normal(size=(5, 12)).astype(np.float32)
    found = inputs(model, vectors, seed=0)
    usual = found["vectors"]["inputs_embeds"]
    tokens = found["tokens"]["inputs_embeds"][:, 1]
    assert torch.equal(found["vectors × 100"]["inputs_embeds"][:, 1], 100 * usual[:, 1])
    table = model.backbone.embed_tokens.weight
    assert all((table == token).all(dim=1).any() for token in tokens)
    longer = found["vectors as long as tokens"]["inputs_embeds"][:, 1]
    assert longer.norm(dim=1).mean() == pytest.approx(tokens.norm(dim=1).mean().item(), rel=1e-5)
    for positions in found.values():
        assert torch.equal(positions["inputs_embeds"][:, 0], usual[:, 0])


@pytest.mark.parametrize("name", ["linear", "mlp", "smollm2-none", "smollm2-bos"])
def test_an_arm_is_trained_scored_and_found_again(name, experiment, sets):
    arm = Arm(name, 1)
    curve, varies = run(arm, experiment, sets)
    assert [epoch.epoch for epoch in curve] == [1, 2]
    assert np.load(arm.scratch / LOGITS).shape == sets.score.gold.shape
    assert varies is None if name in ("linear", "mlp") else 0 < varies < 1
    path = Path("curves.csv")
    assert done(path) == set()
    append(path, arm, curve, varies)
    append(path, arm._replace(seed=2), curve, varies)
    assert done(path) == {arm, arm._replace(seed=2)}


def test_a_replicate_scores_as_if_its_rows_had_been_written_out():
    random = np.random.default_rng(0)
    gold = (random.random((40, 3)) < 0.2).astype(np.int8)
    scores = random.integers(0, 9, size=(40, 3)).astype(np.float32)  # ties
    weights = random.integers(0, 3, size=(5, 40)).astype(np.float32)
    weights[4, gold[:, 1] > 0] = 0  # a label that a replicate has no positives of
    found = weighted_maps(gold, scores, weights)
    for weight, score in zip(weights.astype(int), found, strict=True):
        rows = np.repeat(np.arange(40), weight)
        expected = [
            average_precision_score(gold[rows, label], scores[rows, label])
            for label in range(3)
            if gold[rows, label].any()
        ]
        assert score == pytest.approx(np.mean(expected))


def test_equal_texts_are_drawn_together(sets):
    drawn = replicates(sets._replace(groups=np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 6])), 50, seed=0)
    assert np.array_equal(drawn[:, 0], drawn[:, 1]) and np.array_equal(drawn[:, 3], drawn[:, 5])
    assert not np.array_equal(drawn[:, 2], drawn[:, 3])
    assert 6 < drawn.sum(axis=1).mean() < 14


def test_seeds_are_averaged_before_an_interval_is_taken_and_pairs_share_their_seeds():
    observed = {Arm("a", 0): 0.3, Arm("a", 1): 0.5, Arm("b", 0): 0.1}
    drawn = {arm: np.linspace(score, score + 0.2, 201) for arm, score in observed.items()}
    line = result("a", observed, drawn)
    assert (line["seeds"], line["low_seed"], line["high_seed"]) == (2, 0.3, 0.5)
    assert line["map"] == pytest.approx(0.4) and line["low"] == pytest.approx(0.305)
    gap = difference("a", "b", observed, drawn)
    assert gap["seeds"] == 1 and gap["difference"] == pytest.approx(0.2)
    assert gap["low"] == pytest.approx(0.2) and gap["high"] == pytest.approx(0.2)


def test_the_table_of_the_page_is_that_of_the_results():
    text = PAGE.read_text()
    assert "<!-- table: arms -->" in text
    assert filled(text, read_tables(FOLDER)) == text


def test_results_are_of_arms_that_params_name():
    params = YAML(typ="safe").load(FOLDER / "params.yaml")
    found = done(FOLDER / "curves.csv")
    named = {Arm(name, seed) for name in params["arms"] for seed in params["seeds"]}
    assert found and found <= named
    seeds = {row["name"]: int(row["seeds"]) for row in read(FOLDER / "results.csv")}
    assert seeds == {name: sum(arm.name == name for arm in found) for name in seeds}
    assert seeds.keys() == {arm.name for arm in found}


def test_states_that_the_page_speaks_of_are_those_measured():
    page = " ".join(PAGE.read_text().split())
    layers = read(FOLDER / "layers.csv")

    def of(backbone: str, prefix: str, column: str) -> list[float]:
        return [
            float(row[column])
            for row in layers
            if (row["backbone"], row["prefix"]) == (backbone, prefix)
        ]

    norms, varies = of("smollm2", "none", "norm"), of("smollm2", "none", "varies")
    assert f"from {norms[11]:,.0f} to {norms[12]:,.0f} in layer 12" in page
    assert norms[12] == max(norms)
    assert f"{percent(varies[12])} of its energy varies" in page
    assert f"is {percent(of('minilm', 'none', 'varies')[-1])} of the energy" in page
    assert f"up to {percent(max(of('smollm2', 'bos', 'varies')))} that varies" in page
    assert f"last state {percent(of('minilm', 'bos', 'varies')[-1])} in place" in page
