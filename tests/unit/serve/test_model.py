import json
import logging
import shutil
from dataclasses import replace

import pytest
from support.labels import label_set

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_file
from emotion_slm.serve.model import ServedModel, Size, label_groups, one_by_one


def test_it_says_what_it_is(served, exported):
    info = served.info()
    assert info["sha256"] == sha256_file(exported / "config.json")
    assert (info["profile"], info["engine"]) == ("tiny", "ONNX float32")
    assert 0 < info["macro_f1"] < 1


def test_a_package_is_served_by_pytorch(packaged, served):
    by_torch = ServedModel(packaged)
    assert by_torch.info()["engine"] == "PyTorch"
    for row, other in zip(
        *(one.probabilities(["happy cat"]) for one in (by_torch, served)), strict=True
    ):
        assert row == pytest.approx(other, abs=1e-5)


def test_without_results_there_is_no_score_to_tell(exported, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    del config["files"]["results.json"]
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "results.json").unlink()
    assert ServedModel(folder).info()["macro_f1"] is None


def test_a_corpus_without_targets_has_no_such_columns():
    labels = label_set(6)
    assert list(label_groups(labels)) == ["all", "targets", "halves"]
    assert list(label_groups(replace(labels, targets=()))) == ["all", "halves"]


def test_a_missing_model_is_told(tmp_path):
    with pytest.raises(EmotionSlmError, match="no model here"):
        ServedModel(tmp_path)


def test_sizes_are_in_tokens_and_say_what_was_cut(served):
    most = served.classifier.package.encoder.max_length
    short, empty, long, huge = served.sizes(["happy cat", "", "sad " * most, "\ud800" * 10**6])
    assert 2 <= short.tokens < most and not short.truncated
    assert not empty.truncated
    assert long == Size(most, True) and huge.truncated


def test_a_tokenizer_that_panics_fails_that_text_alone(served, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)

    class Panic(BaseException):
        """As the tokenizers library raises."""

    class Panicking:
        def encode_batch_fast(self, texts):
            if "bad" in texts:
                raise Panic
            return real.encode_batch_fast(texts)

    real = served.classifier.engine.tokenizer.tokenizer
    monkeypatch.setattr(served.classifier.engine.tokenizer, "tokenizer", Panicking())
    good, bad, other = served.sizes(["good", "bad", "other"])
    assert isinstance(good, Size) and isinstance(other, Size)
    assert isinstance(bad, EmotionSlmError)


def test_what_is_no_number_is_no_answer(served, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    real = served.classifier.probabilities
    monkeypatch.setattr(
        served.classifier, "probabilities", lambda texts: real(texts) * float("nan")
    )
    assert isinstance(served.probabilities(["x"])[0], ArithmeticError)


def test_failures_are_found_by_halves(caplog):
    caplog.set_level(logging.CRITICAL)
    calls = []

    def double(items):
        calls.append(list(items))
        return [1 // item for item in items]

    found = one_by_one(double, [1, 1, 0, 1])
    assert [type(one) for one in found] == [int, int, ZeroDivisionError, int]
    assert calls == [[1, 1, 0, 1], [1, 1], [0, 1], [0], [1]]
