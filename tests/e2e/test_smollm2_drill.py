"""SmolLM2's real weights on a few hundred rows: in full precision and in 4 bits, killed and
resumed, exported and scored in every way."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import runs
from support.labels import SAMPLE
from support.tiny import read_params, write_params
from transformers import pipeline

import emotion_slm.transformers  # noqa: F401 makes the package known to transformers
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.evaluation import predictions
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import write_full_weights
from emotion_slm.publish.onnx_export import export_onnx
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.workbench import workspace

pytestmark = pytest.mark.drill

ROWS = 40
TEXTS = ["Thanks so much, you made my day!", "This is a disgrace.", "What time is it?"]
RESUMED = runs.Moment(["adapt"], number=2, pattern=r"^rename .*/checkpoint-")


@pytest.fixture(scope="module")
def prepare(smollm2, tmp_path_factory):
    """Function: name, `lora` → a workspace of profile smollm2 on the sample corpus. With adapters
    the weights are in 4 bits."""
    root = tmp_path_factory.mktemp("smollm2")

    def make(name: str, lora: dict | str = "none") -> Path:
        folder = root / name
        workspace.create(Path(), folder, profile="smollm2")
        params = read_params(folder)
        params["threads"] = 1
        sample, ours = (params["profiles"][profile] for profile in ("sample", "smollm2"))
        ours |= {key: sample[key] for key in ("fetch", "undersample", "ismote")}
        ours["encoder"] |= {"id": str(smollm2), "four_bit": lora != "none"}
        ours["adapt"]["lora"] = lora
        ours["adapt"]["training"] |= {"epochs": 1, "checkpoint_steps": 6}
        if lora != "none":  # adapters learn at higher rates than whole weights
            ours["adapt"]["training"]["learning_rate"] = 1.0e-3
        write_params(folder, params)
        return folder

    return make


@pytest.fixture(scope="module")
def reference(prepare) -> runs.Reference:
    return runs.leave_alone(prepare("alone"))


@pytest.fixture(scope="module")
def quantised(prepare) -> Path:
    """A finished workspace of the same in NF4, by bitsandbytes on the CPU."""
    folder = prepare("nf4", {"r": 16, "alpha": 32, "dropout": 0})
    workspace.repro(folder)
    return folder


@pytest.fixture(params=["reference", "quantised"])
def finished(request) -> Path:
    run = request.getfixturevalue(request.param)
    return getattr(run, "folder", run)


def test_killed_and_resumed_it_ends_in_the_same_bytes(prepare, reference):
    folder = prepare("killed")
    assert runs.kill(folder, RESUMED).landed == "adapt"
    status, output = runs.run(folder, "dvc", "repro", "adapt")
    assert status == 0 and "resuming from" in output
    runs.assert_ends_as(reference, folder)
    shutil.rmtree(folder)


def test_its_package_scores_as_evaluated(finished):
    assert read_json(finished / "metrics/leakage.json")["broken"] == 0
    validation = pd.read_parquet(finished / "data/split/validation.parquet")
    chance = SAMPLE.labels.to_matrix(validation["labels"]).mean()
    curve = pd.read_csv(finished / "metrics/plots/adapt_curve.csv")
    assert curve["validation_map"].iloc[-1] > 1.5 * chance
    held_out = pd.read_parquet(finished / "data/split/test.parquet")
    path = finished / "data/predictions/test.parquet"
    evaluated = predictions.read(path, held_out["id"].tolist(), SAMPLE.labels)
    classifier = EmotionClassifier.from_pretrained(finished / "models/classifier")
    found = classifier.logits(held_out["text"].head(ROWS))
    np.testing.assert_allclose(found, evaluated[:ROWS], atol=0.02)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_its_graph_scores_like_it(reference, precision, tmp_path):
    package = reference.folder / "models/classifier"
    export_onnx(read_package(package), tmp_path / "graph", precision)
    whole, graph = (
        EmotionClassifier.from_pretrained(folder).predict_proba(TEXTS)
        for folder in (package, tmp_path / "graph")
    )
    apart = np.abs(graph - whole)
    print(f"{precision}: probabilities differ by {apart.mean():.4f}, at most by {apart.max():.4f}")
    # Of a decoder int8 costs more than of MiniLM: a probability was off by .12.
    assert apart.mean() < {"float32": 1e-5, "int8": 0.02}[precision]
    assert apart.max() < {"float32": 1e-4, "int8": 0.2}[precision]


def test_in_4_bits_it_has_no_graph(quantised, tmp_path):
    with pytest.raises(EmotionSlmError, match="4-bit, for which ONNX has no operators"):
        export_onnx(read_package(quantised / "models/classifier"), tmp_path / "graph", "float32")


def test_transformers_pipeline_gives_its_probabilities(reference, tmp_path):
    """Of the package, and of the same with all its weights."""
    package = reference.folder / "models/classifier"
    write_full_weights(read_package(package), tmp_path / "full", None)
    expected = EmotionClassifier.from_pretrained(package).predict_proba(TEXTS)
    for folder in (package, tmp_path / "full"):
        answers = pipeline("text-classification", model=str(folder), top_k=None)(TEXTS)
        found = [{one["label"]: one["score"] for one in answer} for answer in answers]
        ours = [[one[label] for label in SAMPLE.labels.names] for one in found]
        np.testing.assert_allclose(ours, expected, atol=1e-4)
