"""Red team: a package that is not of the trained models."""

import pytest
from support.leaks import reset

from emotion_slm.audit.audit import PARTS
from emotion_slm.common.files import read_json, write_json

FOLDER = "models/classifier"
LEAKS = {
    "two labels of the model exchanged": (
        reset(f"{FOLDER}/config.json", "id2label", "0", value="joy"),
        "labels_of_the_model_differ",
    ),
    "a label the model does not have": (
        reset(f"{FOLDER}/config.json", "id2label", "28", value="happiness"),
        "labels_of_the_model_differ",
    ),
    "a packaged file altered": (
        lambda root: (root / FOLDER / "classifier.safetensors").write_bytes(b"other"),
        "packaged_files_altered",
    ),
    "another classifier packaged": (
        lambda root: (root / FOLDER / "classifier.safetensors").write_bytes(b"other"),
        "packaged_weights_not_the_trained_ones",
    ),
    "no encoder packaged": (
        lambda root: (root / FOLDER / "encoder.safetensors").unlink(),
        "packaged_weights_not_the_trained_ones",
    ),
    "other token ids recorded": (
        reset(f"{FOLDER}/config.json", "probe", "ids", value=[1, 2]),
        "packaged_tokenizer_not_of_the_base",
    ),
}  # fmt: skip


def test_clean_package_passes(audited):
    result = PARTS["package"](audited)
    assert result["passed"] is True and result["examples"] == {}


def test_an_older_package_that_records_no_token_ids_passes(audited):
    config = read_json(audited / FOLDER / "config.json")
    del config["probe"]
    write_json(audited / FOLDER / "config.json", config)
    assert PARTS["package"](audited)["passed"] is True


def test_other_labels_are_listed_beside_those_of_the_corpus(audited):
    reset(f"{FOLDER}/config.json", "id2label", "0", value="happiness")(audited)
    corpus, model = PARTS["package"](audited)["examples"]["labels_of_the_model_differ"]
    assert model.startswith("the model's happiness, ") and "happiness" not in corpus
    assert corpus.startswith("the corpus's admiration, ")


def test_a_package_of_links_into_dvcs_cache_passes(audited):
    """As DVC lays it where its `cache.type` is `symlink`."""
    cached = audited / "files/md5/ab" / ("0" * 30)
    cached.parent.mkdir(parents=True)
    weights = audited / FOLDER / "classifier.safetensors"
    weights.rename(cached)
    weights.symlink_to(cached)
    assert PARTS["package"](audited)["passed"] is True


@pytest.mark.parametrize("leak", LEAKS)
def test_planted_leak_is_counted(audited, leak):
    plant, rule = LEAKS[leak]
    plant(audited)
    result = PARTS["package"](audited)
    assert result["must_be_zero"][rule] >= 1
    assert result["passed"] is False
