import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from large_batch.screen import (
    COLUMNS,
    Arm,
    Outcome,
    append,
    arms,
    done,
    outcome,
    shallow,
    subset,
    variant,
)
from ruamel.yaml import YAML
from safetensors.torch import load_file

from emotion_slm.backbone.pretrained import locate
from emotion_slm.classifier.finetune import LabelledVectors
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common.params import Document

FOLDER = Path("experiments/large_batch")


@pytest.fixture
def recipe() -> FinetuneParams:
    return Document.read().with_profile("recipe-minilm").section("finetune", FinetuneParams)


@pytest.fixture
def rows(separable_vectors):
    def make(count: int) -> LabelledVectors:
        vectors, gold = separable_vectors(count)
        return LabelledVectors(vectors, gold, [str(row) for row in range(count)])

    return make


def test_a_variant_differs_from_the_recipe_in_what_the_arm_names(recipe):
    changed = variant(recipe, Arm(512, 8e-4, 0, 2, 1000, 2))
    training = recipe.training.model_dump()
    expected = training | {"batch_size": 512, "learning_rate": 8e-4, "epochs": 2}
    assert changed.training.model_dump() == expected
    assert (changed.classifier, changed.loss) == (recipe.classifier, recipe.loss)


def test_a_shallow_recipe_has_the_lowest_layers_and_nothing_else_new(
    recipe, backbone_params, tiny_bert, tmp_path
):
    classifier = recipe.classifier.model_copy(update={"backbone": backbone_params(tiny_bert)})
    whole = recipe.model_copy(update={"classifier": classifier})
    short = shallow(whole, 1, tmp_path / "short")
    weights, all_weights = (
        load_file(folder / "model.safetensors") for folder in (tmp_path / "short", tiny_bert)
    )
    layers = {name.split(".")[2] for name in weights if name.startswith("encoder.layer.")}
    assert layers == {"0"} and weights.keys() < all_weights.keys()
    assert all(torch.equal(weights[name], all_weights[name]) for name in weights)
    assert locate(short.classifier.backbone) == tmp_path / "short"  # its hash is that of the file
    changed = {"id": str(tiny_bert), "sha256": whole.classifier.backbone.sha256}
    backbone = short.classifier.backbone.model_copy(update=changed)
    restored = short.classifier.model_copy(update={"backbone": backbone})
    assert short.model_copy(update={"classifier": restored}) == whole


def test_a_subset_keeps_rows_together_and_is_drawn_once(rows):
    whole = rows(50)
    drawn, again = subset(whole, 20, 7), subset(whole, 20, 7)
    assert drawn.ids == again.ids and len(set(drawn.ids)) == 20
    kept = [int(row) for row in drawn.ids]
    assert np.array_equal(drawn.vectors, whole.vectors[kept])
    assert np.array_equal(drawn.gold, whole.gold[kept])
    assert subset(whole, 20, 8).ids != drawn.ids
    assert subset(whole, 99, 7).ids == whole.ids


def test_an_arm_is_trained_judged_and_found_again(
    recipe, rows, backbone_params, tiny_bert, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    classifier = recipe.classifier.model_copy(update={"backbone": backbone_params(tiny_bert)})
    arm = Arm(8, 1e-3, 0, 2, 20, 2)
    params = variant(recipe.model_copy(update={"classifier": classifier}), arm)
    result = outcome(arm, rows(20), rows(12), params)
    assert result.steps == 6 and result.epoch in (1, 2) and 0 <= result.validation_map <= 1
    path = tmp_path / "results.csv"
    assert done(path) == set()
    append(path, arm, result)
    append(path, arm._replace(seed=1), result)
    assert done(path) == {arm, arm._replace(seed=1)}
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_another_number_of_rows_is_another_arm(tmp_path):
    path, arm = tmp_path / "results.csv", Arm(32, 1e-4, 0, 2, 100, 1)
    append(path, arm, Outcome(4, 1, 0.1, 0.0))
    assert arm._replace(rows=200) not in done(path)


def test_results_are_of_arms_that_params_name():
    content = YAML(typ="safe").load(FOLDER / "params.yaml")
    named = {arm[:3] for arm in arms(content)}
    found = done(FOLDER / "results.csv")
    assert found and {arm[:3] for arm in found} <= named


def test_the_page_shows_every_result():
    page = (FOLDER / "RESULTS.md").read_text()
    with (FOLDER / "results.csv").open() as file:
        for row in csv.DictReader(file):
            score = f"{float(row['validation_map']):.3f}".removeprefix("0")
            line = f"| {int(row['batch_size']):,} | {float(row['learning_rate']):.1e} |"
            assert any(
                found.startswith(line) and found.endswith(f"| {score} |")
                for found in page.splitlines()
            ), row
