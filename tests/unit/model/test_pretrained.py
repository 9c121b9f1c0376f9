import shutil
from pathlib import Path

import pytest

from emotion_slm.errors import EmotionSlmError
from emotion_slm.files import read_json, sha256_file
from emotion_slm.model import pretrained
from emotion_slm.model.pretrained import WEIGHTS_LOCK, locate
from emotion_slm.params.document import Document
from emotion_slm.params.encoder import EncoderParams

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def fresh_cache():
    """`locate` remembers folders by params; these tests change what lies in them."""
    locate.cache_clear()
    yield
    locate.cache_clear()


@pytest.fixture
def model_folder(tiny_bert, tmp_path, monkeypatch) -> Path:
    """A private copy of the tiny model; the working directory holds the lock file."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(tiny_bert, tmp_path / "model"))


def alter(weights: Path) -> None:
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))


def test_local_folder_with_the_pinned_hash(model_folder, backbone_params):
    assert locate(backbone_params(model_folder)) == model_folder
    assert not WEIGHTS_LOCK.exists()


def test_other_hash_is_refused_naming_both(model_folder, backbone_params):
    found = sha256_file(model_folder / "model.safetensors")
    expected = "0" * 64
    with pytest.raises(EmotionSlmError) as error:
        locate(backbone_params(model_folder, sha256=expected))
    assert expected in str(error.value) and found in str(error.value)
    assert "params.yaml" in str(error.value) and str(model_folder) in str(error.value)


def test_one_altered_bit_is_refused(model_folder, backbone_params):
    params = backbone_params(model_folder)
    alter(model_folder / "model.safetensors")
    with pytest.raises(EmotionSlmError, match="expected"):
        locate(params)


def test_extra_weight_file_is_refused(model_folder, backbone_params):
    params = backbone_params(model_folder)
    shutil.copy(model_folder / "model.safetensors", model_folder / "other.safetensors")
    with pytest.raises(EmotionSlmError, match=r"other\.safetensors"):
        locate(params)


def test_folder_without_safetensors_is_refused(model_folder, backbone_params):
    params = backbone_params(model_folder)
    (model_folder / "model.safetensors").rename(model_folder / "pytorch_model.bin")
    with pytest.raises(EmotionSlmError, match=r"no \.safetensors file"):
        locate(params)


@pytest.mark.parametrize("profile", ["sample", "minilm", "recipe-minilm"])
def test_packaged_minilm_has_the_pinned_hash(profile, monkeypatch):
    document = Document.read(ROOT / "params.yaml").with_profile(profile)
    params = document.section("encoder", EncoderParams)

    def no_hub(*_):
        raise AssertionError("the hub was asked")

    monkeypatch.setattr(pretrained, "_from_hub", no_hub)
    folder = locate(params)
    assert sha256_file(folder / "model.safetensors") == params.sha256
    assert (folder / "tokenizer.json").exists()


def test_unknown_model_offline_is_a_clear_error(tmp_path, monkeypatch, tiny_bert, backbone_params):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmotionSlmError, match=r"some-owner/absent.*local folder"):
        locate(backbone_params(tiny_bert, id="some-owner/absent", sha256=None))
    assert not WEIGHTS_LOCK.exists()


@pytest.mark.parametrize("missing", ["/no/such/folder", "./models/absent", "models/a/b"])
def test_missing_local_folder_is_a_clear_error(
    missing, tmp_path, monkeypatch, tiny_bert, backbone_params
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmotionSlmError) as error:
        locate(backbone_params(tiny_bert, id=missing))
    assert missing in str(error.value)


def test_unpinned_weights_are_recorded_and_then_held_to(model_folder, backbone_params):
    params = backbone_params(model_folder, sha256=None)
    locate(params)
    recorded = read_json(WEIGHTS_LOCK)[str(model_folder)]["files"]
    assert recorded == {"model.safetensors": sha256_file(model_folder / "model.safetensors")}

    locate.cache_clear()
    assert locate(params) == model_folder

    locate.cache_clear()
    alter(model_folder / "model.safetensors")
    with pytest.raises(EmotionSlmError, match=r"pinned in weights\.lock\.json"):
        locate(params)
    assert read_json(WEIGHTS_LOCK)[str(model_folder)]["files"] == recorded


def test_recording_keeps_the_other_models(model_folder, tmp_path, backbone_params):
    other = Path(shutil.copytree(model_folder, tmp_path / "other"))
    locate(backbone_params(model_folder, sha256=None))
    locate(backbone_params(other, sha256=None))
    assert set(read_json(WEIGHTS_LOCK)) == {str(model_folder), str(other)}


def test_hub_gets_the_pinned_revision_and_no_pickles(model_folder, monkeypatch, backbone_params):
    asked = {}

    def snapshot(model_id, **options):
        asked.update(options, id=model_id)
        return str(model_folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    params = backbone_params(model_folder, id="some-owner/some-model", revision="a" * 40)
    assert locate(params) == model_folder
    assert asked["id"] == "some-owner/some-model"
    assert asked["revision"] == "a" * 40
    assert not any("bin" in pattern or pattern == "*" for pattern in asked["allow_patterns"])


def test_recorded_revision_is_asked_for_again(model_folder, monkeypatch, backbone_params):
    asked = []

    def snapshot(model_id, revision, **options):
        asked.append(revision)
        return str(model_folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    params = backbone_params(model_folder, id="some-owner/some-model", sha256=None)
    locate(params)
    locate.cache_clear()
    locate(params)
    assert asked == [None, model_folder.name]
