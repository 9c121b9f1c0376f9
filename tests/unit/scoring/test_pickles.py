"""Pickles planted in a model's folder: none is opened, let alone obeyed."""

import pickle
import shutil
from pathlib import Path

import pytest
from transformers import AutoModelForSequenceClassification

import emotion_slm.transformers  # noqa: F401 makes the package known to transformers
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import write_full_weights
from emotion_slm.scoring.classifier import EmotionClassifier


class Bomb:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path):
    """The file that no test may find at its end."""
    path = tmp_path / "exploded"
    yield path
    assert not path.exists()


@pytest.fixture
def bomb(mark) -> bytes:
    content = pickle.dumps(Bomb(mark))
    pickle.loads(content)  # it does go off
    mark.unlink()
    return content


@pytest.fixture
def folder(packaged, tmp_path) -> Path:
    return Path(shutil.copytree(packaged, tmp_path / "classifier"))


def test_beside_the_model_it_lies_unread(folder, bomb):
    for name in ("pytorch_model.bin", "encoder.pt", "training_args.bin", "thresholds.pkl"):
        (folder / name).write_bytes(bomb)
    assert EmotionClassifier.from_pretrained(folder).predict(["happy"], threshold=0.0)
    AutoModelForSequenceClassification.from_pretrained(folder)


@pytest.mark.parametrize(
    "name",
    [
        "encoder.safetensors", "classifier.safetensors", "calibration.json", "thresholds.json",
        "tokenizer.json", "tokenizer_config.json",
    ],
)  # fmt: skip
def test_in_the_place_of_a_file_it_is_refused(folder, bomb, name):
    (folder / name).write_bytes(bomb)
    with pytest.raises(EmotionSlmError, match=f"{name}: altered"):
        EmotionClassifier.from_pretrained(folder)
    config = read_json(folder / "config.json")
    config["files"][name] = sha256_file(folder / name)  # whoever planted it made the hash fit
    write_json(folder / "config.json", config)
    with pytest.raises(EmotionSlmError, match=name.split("_")[0]):
        EmotionClassifier.from_pretrained(folder)


def test_in_the_place_of_full_weights_it_is_refused(packaged, bomb, tmp_path):
    full = tmp_path / "full"
    write_full_weights(read_package(packaged), full, None)
    (full / "model.safetensors").unlink()
    (full / "pytorch_model.bin").write_bytes(bomb)
    with pytest.raises(OSError, match="safetensors"):
        AutoModelForSequenceClassification.from_pretrained(full)
