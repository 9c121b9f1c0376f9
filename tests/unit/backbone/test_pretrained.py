import shutil
from pathlib import Path
from types import SimpleNamespace

import httpx
import huggingface_hub
import pytest
from huggingface_hub.errors import (
    DryRunError,
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from emotion_slm.backbone import pretrained
from emotion_slm.backbone.pretrained import WEIGHTS_LOCK, locate, with_commit
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file
from emotion_slm.common.params import Document
from emotion_slm.encoder.params import EncoderParams

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
    recorded = read_json(WEIGHTS_LOCK)[str(model_folder)]
    names = {path.name for path in model_folder.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= names
    assert recorded == {
        "revision": None,
        "files": {name: sha256_file(model_folder / name) for name in names},
    }

    locate.cache_clear()
    assert locate(params) == model_folder

    locate.cache_clear()
    alter(model_folder / "model.safetensors")
    with pytest.raises(EmotionSlmError, match=r"pinned in weights\.lock\.json"):
        locate(params)
    assert read_json(WEIGHTS_LOCK)[str(model_folder)] == recorded


def test_recording_keeps_the_other_models(model_folder, tmp_path, backbone_params):
    other = Path(shutil.copytree(model_folder, tmp_path / "other"))
    locate(backbone_params(model_folder, sha256=None))
    locate(backbone_params(other, sha256=None))
    assert set(read_json(WEIGHTS_LOCK)) == {str(model_folder), str(other)}


def test_hub_gets_the_pinned_revision_and_no_pickles(model_folder, monkeypatch, backbone_params):
    asked = {}

    def snapshot(model_id, dry_run=False, **options):
        asked.update(options, id=model_id)
        return [] if dry_run else str(model_folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    params = backbone_params(model_folder, id="some-owner/some-model", revision="a" * 40)
    assert locate(params) == model_folder
    assert asked["id"] == "some-owner/some-model"
    assert asked["revision"] == "a" * 40
    assert not any("bin" in pattern or pattern == "*" for pattern in asked["allow_patterns"])


FIRST, LATER = "1" * 40, "2" * 40


@pytest.fixture
def hub(model_folder, tmp_path, monkeypatch):
    """A hub in a folder, its cache beside it: commit → files; `main` names the newest commit."""

    class Hub:
        def __init__(self):
            self.commits, self.main = {FIRST: model_folder}, FIRST
            self.asked = []

        def snapshot_download(self, model_id, revision, dry_run=False, **options):
            if dry_run:
                return []
            self.asked.append(revision)
            commit = revision or self.main
            folder = tmp_path / "cache" / model_id / "snapshots" / commit
            if not folder.exists():
                shutil.copytree(self.commits[commit], folder)
            return str(folder)

    instance = Hub()
    monkeypatch.setattr("huggingface_hub.snapshot_download", instance.snapshot_download)
    return instance


@pytest.fixture
def unpinned(model_folder, backbone_params):
    return backbone_params(model_folder, id="some-owner/some-model", sha256=None)


def test_first_download_records_the_commit_and_every_file(hub, unpinned):
    folder = locate(unpinned)
    recorded = read_json(WEIGHTS_LOCK)["some-owner/some-model"]
    assert recorded["revision"] == FIRST == folder.name
    assert recorded["files"] == {path.name: sha256_file(path) for path in folder.iterdir()}
    locate.cache_clear()
    assert locate(unpinned) == folder


def test_a_newer_commit_of_the_hub_is_not_asked_for(hub, unpinned, model_folder, tmp_path):
    locate(unpinned)
    hub.commits[LATER] = Path(shutil.copytree(model_folder, tmp_path / "later"))
    alter(hub.commits[LATER] / "model.safetensors")
    hub.main = LATER
    locate.cache_clear()
    assert locate(unpinned).name == FIRST
    assert hub.asked == [None, FIRST]


def test_another_commit_than_recorded_is_refused_even_with_equal_weights(hub, unpinned):
    locate(unpinned)
    hub.commits = {FIRST: hub.commits[FIRST], LATER: hub.commits[FIRST]}
    params = unpinned.model_copy(update={"revision": LATER})
    with pytest.raises(EmotionSlmError, match=rf"another commit.*expected {FIRST}, found {LATER}"):
        locate(params)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["changed", "truncated", "deleted"])
def test_a_damaged_file_of_the_cache_is_refused_by_name(hub, unpinned, name, damage):
    folder = locate(unpinned)
    locate.cache_clear()
    if damage == "changed":
        alter(folder / name)
    elif damage == "truncated":
        (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    else:
        (folder / name).unlink()
    expected = (
        r"no \.safetensors file"
        if (name, damage) == ("model.safetensors", "deleted")
        else rf"{name}: .*pinned in weights\.lock\.json"
    )
    with pytest.raises(EmotionSlmError, match=expected):
        locate(unpinned)


def test_other_tools_files_in_the_cache_do_not_matter(hub, unpinned):
    folder = locate(unpinned)
    (folder / "consolidated.safetensors").write_bytes(b"Mistral's second copy")
    (folder / "README.md").write_text("card")
    locate.cache_clear()
    assert locate(unpinned) == folder
    WEIGHTS_LOCK.unlink()
    locate.cache_clear()
    locate(unpinned)
    assert (
        "consolidated.safetensors" not in read_json(WEIGHTS_LOCK)["some-owner/some-model"]["files"]
    )


def test_more_weights_than_recorded_are_refused(hub, unpinned):
    folder = locate(unpinned)
    shutil.copy(folder / "model.safetensors", folder / "model-00002-of-00002.safetensors")
    locate.cache_clear()
    with pytest.raises(EmotionSlmError, match=r"model-00002-of-00002\.safetensors"):
        locate(unpinned)


def test_a_package_names_the_recorded_commit(hub, unpinned, model_folder, backbone_params):
    assert with_commit(unpinned) == unpinned  # nothing recorded yet
    locate(unpinned)
    assert with_commit(unpinned).revision == FIRST
    pinned = unpinned.model_copy(update={"revision": LATER})
    assert with_commit(pinned) == pinned
    local = backbone_params(model_folder, sha256=None)
    locate(local)
    assert with_commit(local) == local  # a folder has no commit


def _refused(kind):
    return kind("no", response=httpx.Response(404, request=httpx.Request("GET", "http://hub")))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ReadTimeout("slow"), r"cannot be reached \(ReadTimeout\); connect once"),
        (httpx.RemoteProtocolError("cut"), r"cannot be reached \(RemoteProtocolError\)"),
        (_refused(RepositoryNotFoundError), r"'hub/model' at revision None: the hub has no such"),
        (_refused(RevisionNotFoundError), "no such model or revision"),
        (_refused(GatedRepoError), "only to those who accepted its terms"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_way_in_which_the_hub_fails_is_named_as_what_it_is(
    error, expected, monkeypatch, backbone_params, model_folder
):
    def snapshot(*_arguments, **_options):
        raise error

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    changes = {"id": "hub/model", "revision": None, "sha256": None}
    with pytest.raises(EmotionSlmError, match=expected):
        locate(backbone_params(model_folder).model_copy(update=changes))


def announced(*sizes: int | None) -> list:
    """What the hub says that it would send; the last file is in the cache already."""
    return [
        huggingface_hub.DryRunFileInfo(FIRST, size, f"{place}.safetensors", "", *flags)
        for place, (size, flags) in enumerate(
            zip(sizes, [(False, True)] * (len(sizes) - 1) + [(True, False)], strict=True)
        )
    ]


@pytest.fixture
def disk(monkeypatch, tmp_path):
    """Function: what the hub announces → the downloads that were begun; 20 GB are free."""
    begun = []
    cache = tmp_path / "not" / "there" / "yet"

    def announce(files) -> list:
        def snapshot(model_id, dry_run=False, **options):
            if not dry_run:
                begun.append(model_id)
                raise httpx.ReadTimeout("nothing is downloaded here")
            if isinstance(files, Exception):
                raise files
            return files

        monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(
            pretrained.shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000_000_000)
        )
        return begun

    return announce


@pytest.mark.parametrize("sizes", [(48_000_000_000, 1), (15_000_000_000, 6_000_000_000, 0)])
def test_a_download_that_does_not_fit_is_not_begun(sizes, disk, unpinned, tmp_path):
    begun = disk(announced(*sizes))
    needed = {2: "48.0 GB", 3: "21.0 GB"}[len(sizes)]
    with pytest.raises(EmotionSlmError) as error:
        locate(unpinned)
    for part in ("some-owner/some-model", needed, "20.0 GB", str(tmp_path), "HF_HOME"):
        assert part in str(error.value)
    assert not begun and not WEIGHTS_LOCK.exists()


@pytest.mark.parametrize(
    "files",
    [
        announced(14_000_000_000, None, 48_000_000_000),
        DryRunError("the hub is out of reach"),
    ],
    ids=["fits beside what is cached", "not known"],
)
def test_a_download_that_may_fit_is_begun(files, disk, unpinned):
    begun = disk(files)
    with pytest.raises(EmotionSlmError, match="ReadTimeout"):
        locate(unpinned)
    assert begun == ["some-owner/some-model"]
