import json
import os
import shutil
from pathlib import Path

import pytest
from support.labels import LABELS, SAMPLE

from emotion_slm.backbone.params import LoraParams
from emotion_slm.backbone.pretrained import locate
from emotion_slm.classifier.finetuned import Finetuned
from emotion_slm.classifier.params import LinearHead, MlpHead, OnePositionSlm
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.encoder.adapted import Adapted
from emotion_slm.package.package import Origin, Package, read_package, write_package
from emotion_slm.package.provenance import Provenance
from emotion_slm.package.tokenizer import probe_of
from emotion_slm.scoring.classifier import EmotionClassifier

PROVENANCE = Provenance({"seed": 1}, {}, {"a/base": {"revision": None, "files": {}}})
PARTS = {"calibration.json": {"a": 1}, "thresholds.json": {"a": 1}}
FILES = [
    "encoder.safetensors", "classifier.safetensors", "calibration.json", "results.json",
    "scores.json", "thresholds.json", "corpus.json", "tokenizer.json", "tokenizer_config.json",
]  # fmt: skip


@pytest.fixture
def folder(packaged, tmp_path) -> Path:
    """A private copy of the package."""
    return Path(shutil.copytree(packaged, tmp_path / "classifier"))


@pytest.fixture
def edit(folder):
    """Function: changes config.json by a function."""

    def change(how) -> None:
        config = read_json(folder / "config.json")
        how(config)
        write_json(folder / "config.json", config)

    return change


def test_what_is_read_is_what_was_written(packaged, tiny_bert, encoder_params):
    assert read_package(packaged) == Package(
        folder=packaged,
        encoder=encoder_params(tiny_bert),
        adapted=Adapted(False, None, "ab" * 32),
        finetuned=Finetuned(LinearHead(name="linear"), 32, LABELS),
        origin=Origin("tiny", "sample", "pooled"),
        corpus=SAMPLE,
        provenance=Provenance({"seed": 4}, {"data/raw/train.tsv": "cd" * 32}, {}),
        probe=probe_of(tiny_bert),
    )


def test_config_is_what_other_tools_expect(packaged):
    config = read_json(packaged / "config.json")
    assert config["problem_type"] == "multi_label_classification"
    assert config["format_version"] == 4
    assert config["id2label"] == {str(index): label for index, label in enumerate(LABELS)}
    assert config["label2id"] == {label: index for index, label in enumerate(LABELS)}
    assert sorted(config["files"]) == sorted(FILES)


def test_nothing_but_safetensors_and_json(packaged):
    names = {path.name for path in packaged.iterdir()}
    assert names == {*FILES, "config.json"}
    for path in packaged.iterdir():
        assert not path.read_bytes().startswith((b"\x80", b"PK"))  # pickle, torch's zip


@pytest.mark.parametrize("lora", [None, LoraParams(r=4, alpha=8, dropout=0.0)])
@pytest.mark.parametrize("kind", ["linear", "mlp", "one_position"])
def test_round_trip_of_every_kind(tmp_path, tiny_bert, encoder_params, backbone_params, lora, kind):
    classifier = {
        "linear": LinearHead(name="linear"),
        "mlp": MlpHead(name="mlp", hidden=8, dropout=0.1),
        "one_position": OnePositionSlm(
            name="one_position",
            backbone=backbone_params(tiny_bert),
            dropout=0.1,
            lora=LoraParams(r=2, alpha=4, dropout=0.0),
        ),
    }[kind]
    package = Package(
        folder=tmp_path / "package",
        encoder=encoder_params(tiny_bert, pooling="last"),
        adapted=Adapted(False, lora, "00"),
        finetuned=Finetuned(classifier, 32, LABELS),
        origin=Origin("p", "sample", "official"),
        corpus=SAMPLE,
        provenance=PROVENANCE,
    )
    weights = tmp_path / "weights"
    weights.write_bytes(b"w")
    write_package(package, weights, weights, tiny_bert, PARTS)
    assert read_package(package.folder) == package._replace(probe=probe_of(tiny_bert))


def test_frozen_encoder_packages_no_encoder_weights(tmp_path, tiny_bert, encoder_params):
    package = Package(
        folder=tmp_path / "package",
        encoder=encoder_params(tiny_bert),
        adapted=Adapted(frozen=True),
        finetuned=Finetuned(LinearHead(name="linear"), 32, LABELS),
        origin=Origin("p", "sample", "pooled"),
        corpus=SAMPLE,
        provenance=PROVENANCE,
    )
    weights = tmp_path / "weights"
    weights.write_bytes(b"w")
    write_package(package, tmp_path / "absent", weights, tiny_bert, PARTS)
    assert not (package.folder / "encoder.safetensors").exists()
    assert read_package(package.folder) == package._replace(probe=probe_of(tiny_bert))


@pytest.mark.parametrize("name", FILES)
def test_altered_file_is_refused_by_name(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(EmotionSlmError, match=rf"{name}: altered or truncated"):
        read_package(folder)


@pytest.mark.parametrize("name", FILES)
def test_truncated_file_is_refused_by_name(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(EmotionSlmError, match=rf"{name}: altered or truncated"):
        read_package(folder)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_refused_by_name(folder, name):
    (folder / name).unlink()
    with pytest.raises(EmotionSlmError, match=rf"{name}: no such file"):
        read_package(folder)


@pytest.mark.parametrize("version", [2, 0, None, "3", True])
def test_other_format_version_is_refused(folder, edit, version):
    edit(lambda config: config.update(format_version=version))
    with pytest.raises(
        EmotionSlmError, match=rf"model format {version}, this release reads 3 and 4"
    ):
        read_package(folder)


def test_a_newer_format_asks_for_an_update(folder, edit):
    edit(lambda config: config.update(format_version=5))
    with pytest.raises(EmotionSlmError, match="made by a newer release: update emotion-slm"):
        read_package(folder)


def test_foreign_label_set_is_refused(folder, edit):
    edit(lambda config: config["label2id"].update(joy=5, fear=17))
    with pytest.raises(EmotionSlmError, match="do not name the same labels"):
        read_package(folder)


@pytest.mark.parametrize("key", ["label2id", "files", "adapted", "encoder", "classifier", "width"])
@pytest.mark.parametrize("value", [..., None, [], "x"], ids=["absent", "null", "list", "text"])
def test_config_with_a_bad_part_is_refused(folder, edit, key, value):
    def spoil(config):
        if value is ...:
            del config[key]
        else:
            config[key] = value

    edit(spoil)
    with pytest.raises(EmotionSlmError, match=r"config\.json: "):
        read_package(folder)


def test_files_that_must_be_verified_cannot_be_left_out_of_the_list(folder, edit):
    edit(lambda config: config["files"].pop("classifier.safetensors"))
    (folder / "classifier.safetensors").write_bytes(b"anything")
    with pytest.raises(EmotionSlmError, match=r"classifier\.safetensors"):
        read_package(folder)


def test_config_that_is_no_json_is_refused(folder):
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text[: len(text) // 2])
    with pytest.raises(EmotionSlmError, match=r"config\.json: not valid JSON"):
        read_package(folder)


def test_config_holds_no_time_and_is_reproducible(packaged, folder, tmp_path, tiny_bert):
    package = read_package(folder)
    again = package._replace(folder=tmp_path / "again")
    parts = {name: json.loads((folder / name).read_text()) for name in FILES[2:6]}
    write_package(again, folder / FILES[0], folder / FILES[1], tiny_bert, parts)
    for path in packaged.iterdir():
        assert (again.folder / path.name).read_bytes() == path.read_bytes()


def test_a_file_without_a_hash_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    del config["files"]["classifier.safetensors"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(EmotionSlmError, match=r"no hash for classifier\.safetensors"):
        read_package(folder)


def without_corpus(folder: Path) -> None:
    """As packages were before there was corpus.json."""
    config = read_json(folder / "config.json")
    del config["files"]["corpus.json"]
    write_json(folder / "config.json", config)
    (folder / "corpus.json").unlink()


def test_a_package_from_before_corpus_json_is_read_with_the_description_of_the_clone(folder):
    without_corpus(folder)
    assert read_package(folder).corpus == SAMPLE


def test_a_package_from_before_corpus_json_has_labels_and_targets_anywhere(
    folder, tmp_path, monkeypatch
):
    without_corpus(folder)
    monkeypatch.chdir(tmp_path)
    labels = read_package(folder).corpus.labels
    assert labels.names == LABELS and set(labels.targets) == set(SAMPLE.labels.targets)
    assert labels.groups == {}


def test_an_unlisted_corpus_json_is_refused(folder, edit):
    edit(lambda config: config["files"].pop("corpus.json"))
    with pytest.raises(EmotionSlmError, match=r"no hash for corpus\.json"):
        read_package(folder)


def test_links_of_the_stores_of_the_hub_and_of_dvc_are_followed(packaged, tmp_path):
    for snapshot, store in (
        (tmp_path / "hub/snapshots/abc", lambda name: tmp_path / "hub/blobs" / name),
        (
            tmp_path / "dvc/model",
            lambda name: tmp_path / f"dvc/files/md5/ab/{name.encode().hex()[:30]:0<30}",
        ),
    ):
        snapshot.mkdir(parents=True)
        for path in packaged.iterdir():
            store(path.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, store(path.name))
            (snapshot / path.name).symlink_to(os.path.relpath(store(path.name), snapshot))
        assert read_package(snapshot)._replace(folder=packaged) == read_package(packaged)


@pytest.mark.parametrize("place", ["blobs", "other/blobs", "model/blobs", "files/md5/ab"])
def test_links_to_what_only_looks_like_a_store_are_refused(folder, tmp_path, place):
    secret = tmp_path / place / "secret"
    secret.parent.mkdir(parents=True)
    shutil.move(folder / "results.json", secret)
    (folder / "results.json").symlink_to(secret)
    with pytest.raises(EmotionSlmError, match=r"results\.json: is a link"):
        read_package(folder)


def test_a_base_without_a_hash_of_its_own_is_held_to_the_provenance(
    folder, edit, tiny_bert, tmp_path, monkeypatch
):
    base = Path(shutil.copytree(tiny_bert, tmp_path / "base"))
    hashes = {path.name: sha256_file(path) for path in base.iterdir()}

    def unpin(config):
        config["encoder"] |= {"id": str(base), "sha256": None}
        config["provenance"]["base"] = {str(base): {"revision": None, "files": hashes}}

    edit(unpin)
    monkeypatch.chdir(tmp_path)
    found = EmotionClassifier.from_pretrained(folder).predict_proba(["happy cat"])
    assert found.shape == (1, len(LABELS))
    assert not (tmp_path / "weights.lock.json").exists()
    locate.cache_clear()
    (base / "config.json").write_text("{}")
    with pytest.raises(
        EmotionSlmError, match=r"config\.json: .* pinned in the package's provenance"
    ):
        EmotionClassifier.from_pretrained(folder)
    assert not (tmp_path / "weights.lock.json").exists()
