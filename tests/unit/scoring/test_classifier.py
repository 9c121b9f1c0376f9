import logging
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit
from support.labels import LABELS
from transformers.utils import logging as transformers_logging

from emotion_slm import EmotionClassifier as PublicClassifier
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.package.config import CALIBRATION, THRESHOLDS
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.scoring.torch_engine import BATCH_SIZE

TEXTS = [
    "happy cat",
    "",
    "😀🏳️‍🌈 \u202e x",
    "the very sad dog " * 500,
    "a\nb\tc\r\n",
    "<script>alert('happy')</script>",
    " " * 40,
]


@pytest.fixture(scope="module", params=["packaged", "exported"])
def classifier(request) -> EmotionClassifier:
    """By PyTorch, then by ONNX Runtime."""
    return EmotionClassifier.from_pretrained(request.getfixturevalue(request.param))


def test_public_name_is_the_class():
    assert PublicClassifier is EmotionClassifier


def test_probabilities_keep_the_order_of_the_texts(classifier):
    texts = TEXTS * (BATCH_SIZE // len(TEXTS) + 2)  # more than one batch
    together = classifier.predict_proba(texts)
    alone = np.concatenate([classifier.predict_proba([text]) for text in texts])
    assert together.shape == (len(texts), len(LABELS)) and together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert ((together > 0) & (together < 1)).all()
    assert np.abs(together[0] - together[3]).max() > 1e-3


def test_no_texts_no_predictions(classifier):
    assert classifier.predict([]) == []
    assert classifier.predict_proba([]).shape == (0, len(LABELS))
    assert classifier.logits([]).shape == (0, len(LABELS))


def test_any_iterable_of_texts_will_do(classifier):
    expected = classifier.predict(TEXTS)
    assert classifier.predict(iter(TEXTS)) == expected
    assert classifier.predict(tuple(TEXTS)) == expected


@pytest.mark.parametrize("wrong", [2, -1, 1.01, float("nan"), float("inf"), np.float32(-0.1)])
def test_a_threshold_that_is_no_probability_is_refused(classifier, wrong):
    probabilities = np.zeros((1, len(LABELS)))
    for call in (
        lambda: classifier.predict(["happy"], threshold=wrong),
        lambda: classifier.predict([], threshold=wrong),
        lambda: classifier.above_threshold(probabilities, wrong),
    ):
        with pytest.raises(ValueError, match=r"threshold is .*; it must be from 0 to 1"):
            call()


FRAME = pd.DataFrame({"id": [1, 2], "text": ["happy", "sad"]})


@pytest.mark.parametrize("method", ["predict", "predict_proba", "logits", "probabilities"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("happy cat", "give a list of texts, not one str"),
        (b"happy cat", "give a list of texts, not one bytes"),
        (FRAME, r'give one column of texts, as table\["text"\], not a whole DataFrame'),
        (pa.table({"text": ["a"]}), "not a whole Table"),
        ({"text": "happy"}, "give a list of texts, not a dict"),
        ({"happy", "sad"}, "give a list of texts, not a set"),
        (None, "give a list of texts, not NoneType"),
        (7, "give a list of texts, not int"),
        (FRAME.to_numpy(), "text 0 is not a string but ndarray"),
        ([FRAME], "text 0 is not a string but DataFrame"),
        (FRAME["id"], "text 0 is not a string but"),
        (pa.array(["a"]), "text 0 is not a string but StringScalar"),
        (["a", None], r"text 1 is not a string but NoneType \(a missing value; "),
        (pd.Series(["a", None], dtype=object), r"text 1 .* \(a missing value; "),
        (pd.Series(["a", np.nan]), r"text 1 is not a string but float \(a missing value; "),
        (pd.Series(["a", pd.NA], dtype="string"), r"text 1 .* \(a missing value; "),
        (pd.Series([pd.NaT]), r"text 0 .* \(a missing value; "),
        (np.array([b"a"]), "text 0 is not a string but bytes"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(classifier, method, wrong, said):
    with pytest.raises(TypeError, match=said):
        getattr(classifier, method)(wrong)


@pytest.mark.parametrize(
    "texts",
    [FRAME["text"], FRAME["text"].to_numpy(), np.array(["happy", "sad"]), FRAME["text"].array],
)
def test_columns_and_arrays_of_texts_will_do(classifier, texts):
    assert classifier.predict(texts) == classifier.predict(["happy", "sad"])


def test_a_text_is_cut_before_it_is_tokenized(classifier, monkeypatch):
    seen = []
    tokenize = type(classifier.engine.tokenizer).__call__

    def watching(self, texts):
        seen.extend(map(len, texts))
        return tokenize(self, texts)

    monkeypatch.setattr(type(classifier.engine.tokenizer), "__call__", watching)
    limit = classifier.text_characters
    texts = ["sad " * 10**6, "happy", "x" * (limit + 1), "sad " * limit]
    found = classifier.predict_proba(texts)
    assert max(seen) == limit
    np.testing.assert_allclose(found[0], found[3], atol=1e-6)


def test_texts_that_are_read_in_part_are_counted(classifier, packaged, exported):
    room = classifier.package.encoder.max_length - 2  # [CLS] and [SEP]
    whole = ["", "happy", "sad " * room, "é " * room, "x" * 200, "\ud800" * 3]
    cut = ["sad " * (room + 1), "é " * (room + 1), " " * (classifier.text_characters + 1)]
    for model in (classifier, EmotionClassifier.from_pretrained(exported)):
        assert model.truncated(whole) == 0
        assert model.truncated([*whole, *cut, *cut]) == 2 * len(cut)


def test_texts_beyond_max_length_are_cut(classifier):
    long = classifier.predict_proba(["sad " * 30, "sad " * 25_000])
    np.testing.assert_allclose(long[0], long[1], atol=1e-6)


def test_probabilities_are_calibrated_logits(classifier, packaged):
    calibration = read_json(packaged / CALIBRATION)["parameters"]
    slope = np.array([calibration[label]["slope"] for label in LABELS])
    intercept = np.array([calibration[label]["intercept"] for label in LABELS])
    expected = expit(classifier.logits(TEXTS) * slope + intercept)
    np.testing.assert_allclose(classifier.predict_proba(TEXTS), expected, rtol=1e-5)


def test_predictions_are_those_at_or_above_each_labels_threshold(classifier, packaged):
    limits = read_json(packaged / THRESHOLDS)["per_label"]
    probabilities = classifier.predict_proba(TEXTS)
    predictions = classifier.predict(TEXTS)
    for row, found in zip(probabilities, predictions, strict=True):
        expected = {label: p for label, p in zip(LABELS, row, strict=True) if p >= limits[label]}
        assert found == pytest.approx(expected, abs=1e-6)
        assert list(found.values()) == sorted(found.values(), reverse=True)
    assert any(predictions)
    assert any(len(found) < len(LABELS) for found in predictions)


def test_one_threshold_for_all_labels(classifier):
    everything = classifier.predict(TEXTS, threshold=0.0)
    assert all(set(found) == set(LABELS) for found in everything)
    assert all(found == {} for found in classifier.predict(TEXTS, threshold=1.0))
    for found in classifier.predict(TEXTS, threshold=0.5):
        assert all(probability >= 0.5 for probability in found.values())


def test_top_k_keeps_the_most_probable(classifier):
    for found, two in zip(
        classifier.predict(TEXTS, threshold=0.0),
        classifier.predict(TEXTS, threshold=0.0, top_k=2),
        strict=True,
    ):
        assert list(two.items()) == list(found.items())[:2]
    with pytest.raises(ValueError, match="top_k is 0"):
        classifier.predict(TEXTS, top_k=0)


@pytest.mark.parametrize("wrong", [None, 1.5, b"happy", ["happy"]])
def test_what_is_not_a_string_is_named_by_its_index(classifier, wrong):
    with pytest.raises(TypeError, match=r"text 2 is not a string but"):
        classifier.predict(iter(["happy", "", wrong]))


def test_lone_surrogates_are_read_as_replacement_characters(classifier):
    found = classifier.predict_proba(["happy \ud800 cat", "happy \ufffd cat"])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_embeddings_come_with_the_probabilities_of_their_texts(packaged, monkeypatch):
    model = EmotionClassifier.from_pretrained(packaged)
    whole = model.embeddings(TEXTS)
    monkeypatch.setattr("emotion_slm.scoring.classifier.CHUNK_TEXTS", 2)
    vectors, probabilities = model.embeddings(TEXTS)
    np.testing.assert_allclose(vectors, whole[0], atol=1e-5)
    np.testing.assert_allclose(probabilities, model.probabilities(TEXTS), atol=1e-6)
    assert len({tuple(row) for row in vectors.round(4).tolist()}) > 1


def test_an_export_gives_no_embeddings(exported):
    with pytest.raises(
        EmotionSlmError, match=r"an ONNX export gives no embeddings; give the model"
    ):
        EmotionClassifier.from_pretrained(exported).embeddings(["happy"])


def test_chunks_join_without_a_seam(classifier, monkeypatch):
    expected = classifier.predict_proba(TEXTS)
    monkeypatch.setattr("emotion_slm.scoring.classifier.CHUNK_TEXTS", 3)
    found = classifier.predict_proba(text for text in TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(classifier.predict(iter(TEXTS))) == len(TEXTS)


def test_threads_share_a_classifier(classifier):
    expected = classifier.predict_proba(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(classifier.predict_proba, [TEXTS] * 40):
            np.testing.assert_array_equal(found, expected)


def test_exported_predictions_are_the_package_s(packaged, exported):
    packages = [EmotionClassifier.from_pretrained(folder) for folder in (packaged, exported)]
    expected, found = (one.predict(TEXTS, threshold=0.0) for one in packages)
    for one, other in zip(expected, found, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_an_export_runs_on_the_cpu_alone(exported):
    assert EmotionClassifier.from_pretrained(exported, device="cpu").predict(["happy"])
    with pytest.raises(EmotionSlmError, match="runs on the CPU; for device 'cuda'"):
        EmotionClassifier.from_pretrained(exported, device="cuda")


def test_loading_says_nothing(packaged):
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    transformers_logging.set_verbosity_warning()
    transformers_logging.add_handler(handler)
    try:
        EmotionClassifier.from_pretrained(packaged)
    finally:
        transformers_logging.remove_handler(handler)
    assert said == []


def test_device(packaged):
    assert EmotionClassifier.from_pretrained(packaged, device="cpu").predict(["happy"])
    for missing in ("nonsense", "mps"):
        with pytest.raises(EmotionSlmError, match=f"device '{missing}' is not to be had"):
            EmotionClassifier.from_pretrained(packaged, device=missing)


def test_threshold_is_inclusive(classifier):
    probabilities = np.zeros((1, len(LABELS)), np.float32)
    probabilities[0, 3] = 0.5
    assert classifier.above_threshold(probabilities, 0.5) == [{LABELS[3]: 0.5}]


def test_loading_twice_gives_the_same_answers(packaged):
    import torch

    torch.manual_seed(123)  # nothing random may survive loading
    first, again = (EmotionClassifier.from_pretrained(str(packaged)) for _ in range(2))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), first.predict_proba(TEXTS))


def test_moved_package_still_works(packaged, tmp_path, monkeypatch):
    shutil.copytree(packaged, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    first, moved = (EmotionClassifier.from_pretrained(folder) for folder in (packaged, "moved"))
    np.testing.assert_array_equal(moved.predict_proba(TEXTS), first.predict_proba(TEXTS))


def test_folder_without_a_model_says_how_to_get_one(tmp_path):
    with pytest.raises(EmotionSlmError, match=r"no model here.*dvc repro.*emotion-slm pull"):
        EmotionClassifier.from_pretrained(tmp_path)
