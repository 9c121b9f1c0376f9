"""A package in float16 and bfloat16: calibrated in float32, or an error that says why not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, pipeline

import emotion_slm.transformers  # noqa: F401 makes the package known to transformers
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.encoder.text_classifier import TextClassifier, Tokenizer
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import write_full_weights
from emotion_slm.scoring.classifier import EmotionClassifier

TEXTS = ["happy cat", "the very sad dog", "tree"]
load = AutoModelForSequenceClassification.from_pretrained
# By how much a probability may differ: three and two digits are left of a state.
HALVES = {torch.float16: 2e-3, torch.bfloat16: 2e-2}


@pytest.fixture(scope="module")
def full(packaged, tmp_path_factory) -> Path:
    """The same package with every weight."""
    folder = tmp_path_factory.mktemp("full") / "full"
    write_full_weights(read_package(packaged), folder, None)
    return folder


@pytest.fixture(scope="module")
def expected(packaged) -> np.ndarray:
    return EmotionClassifier.from_pretrained(packaged).predict_proba(TEXTS)


def probabilities(model: TextClassifier, folder: Path) -> np.ndarray:
    tokenizer = Tokenizer(Path(read_package(folder).encoder.id), 32)
    with torch.no_grad():
        logits = model(**tokenizer.pad(tokenizer(TEXTS))).logits
    assert logits.dtype == torch.float32
    return logits.sigmoid().numpy()


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def reloaded(model: TextClassifier, folder: Path) -> TextClassifier:
    model.save_pretrained(folder)
    return load(folder)


# package, full weights, dtype, empty folder → a model
WAYS = {
    "named": lambda package, _, dtype, __: load(package, dtype=name_of(dtype)),
    "given": lambda package, _, dtype, __: load(package, dtype=dtype),
    "called as before": lambda package, _, dtype, __: load(package, torch_dtype=dtype),
    "full weights": lambda _, full, dtype, __: load(full, dtype=name_of(dtype)),
    "cast": lambda package, _, dtype, __: load(package).to(dtype),
    "saved in it": lambda package, _, dtype, to: reloaded(load(package, dtype=dtype), to),
    "cast and saved": lambda _, full, dtype, to: reloaded(load(full).to(dtype), to),
}


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_probabilities_are_those_of_float32_but_for_rounding(
    way, dtype, packaged, full, expected, tmp_path
):
    model = WAYS[way](packaged, full, dtype, tmp_path / "saved")
    assert model.backbone.dtype == dtype
    if "cast" not in way:
        assert model.head.weight.dtype == torch.float32  # with the calibration folded into it
    found = probabilities(model, packaged)
    np.testing.assert_allclose(found, expected, atol=HALVES[dtype])
    assert np.abs(found - expected).max() > 1e-6  # it was computed otherwise


@pytest.mark.parametrize(("name", "dtype"), [("half", torch.float16), ("bfloat16", torch.bfloat16)])
def test_torch_s_own_casts_work(name, dtype, packaged, expected):
    model = getattr(load(packaged), name)()
    assert model.head.weight.dtype == dtype
    np.testing.assert_allclose(probabilities(model, packaged), expected, atol=HALVES[dtype])
    back = model.float()
    assert back.head.weight.dtype == back.backbone.dtype == torch.float32


@pytest.mark.parametrize("dtype", [None, "auto", "float32", torch.float32])
def test_the_package_s_own_precision_is_float32(dtype, packaged, expected):
    found = probabilities(load(packaged, dtype=dtype), packaged)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", ["package", "full weights"])
def test_a_pipeline_in_it(kind, dtype, packaged, full, expected):
    folder = str({"package": packaged, "full weights": full}[kind])
    scorer = pipeline("text-classification", model=folder, top_k=None, dtype=dtype)
    assert scorer.model.backbone.dtype in HALVES
    for entries, ours in zip(scorer(TEXTS), expected, strict=True):
        assert len(entries) == len(ours)
        found = {entry["label"]: entry["score"] for entry in entries}
        by_name = [found[scorer.model.config.id2label[place]] for place in range(len(ours))]
        np.testing.assert_allclose(by_name, ours, atol=HALVES[scorer.model.backbone.dtype])


def test_numbers_beyond_float16_are_an_error_and_none_elsewhere(packaged):
    model = load(packaged)
    last = [part for part in model.backbone.modules() if isinstance(part, torch.nn.LayerNorm)][-1]
    with torch.no_grad():
        last.weight.fill_(1e5)
    assert np.isfinite(probabilities(model.bfloat16(), packaged)).all()
    with pytest.raises(EmotionSlmError, match=r"BertModel computes .* 65,504.*bfloat16 or float32"):
        probabilities(model.half(), packaged)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"num_labels": 3}, "label2id"),
        ({"id2label": {0: "x"}}, "id2label"),
        ({"attn_implementation": "sdpa"}, "attn_implementation"),
        ({"device_map": "auto"}, "device_map"),
        ({"quantization_config": {"load_in_4bit": True}}, "quantization_config"),
        ({"output_loading_info": True}, "output_loading_info"),
        ({"revision": "v1.0"}, "revision"),
        ({"pooling": "last"}, "pooling"),
        ({"problem_type": "regression"}, "problem_type"),
    ],
    ids=str,
)
def test_an_option_that_a_package_cannot_follow_is_refused(options, named, packaged):
    with pytest.raises(EmotionSlmError, match=rf"{packaged}: .*{named}.*takes `dtype` alone"):
        load(packaged, **options)


@pytest.mark.parametrize("dtype", ["int8", "half", torch.int64, torch.float64, 16], ids=str)
def test_what_is_no_precision_of_a_package_is_refused(dtype, packaged):
    with pytest.raises(EmotionSlmError, match="expected one of float32, float16, bfloat16"):
        load(packaged, dtype=dtype)


@pytest.mark.parametrize("options", [{"trust_remote_code": False}, {"local_files_only": True}])
def test_what_concerns_downloads_is_of_no_concern(options, packaged):
    assert isinstance(load(packaged, **options), TextClassifier)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attn_implementation": "sdpa"}, "attn_implementation 'sdpa' has no effect"),
        ({"use_safetensors": False}, "use_safetensors=False has no effect"),
        ({"ignore_mismatched_sizes": True}, "ignore_mismatched_sizes=True has no effect"),
        ({"num_labels": 3}, "mismatched keys"),
    ],
    ids=str,
)
@pytest.mark.parametrize("loader", [load, TextClassifier.from_pretrained])
def test_full_weights_refuse_what_they_cannot_follow(loader, options, said, full):
    with pytest.raises(EmotionSlmError, match=said):
        loader(full, **options)
