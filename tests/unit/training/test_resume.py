from importlib.metadata import version
from pathlib import Path

import pytest

from emotion_slm.files import sha256_file
from emotion_slm.params.document import Document
from emotion_slm.params.embed import EmbedParams
from emotion_slm.params.undersample import UndersampleParams
from emotion_slm.training import resume
from emotion_slm.training.resume import LIBRARIES, discard, resume_folder


def test_discard_removes_the_folder_and_tolerates_its_absence(tmp_path):
    (tmp_path / "training" / "checkpoint-1").mkdir(parents=True)
    discard(tmp_path / "training")
    assert not (tmp_path / "training").exists()
    discard(tmp_path / "training")


@pytest.fixture
def folder_of(tmp_path):
    """Function: what a training is made of → its resume folder."""
    source = tmp_path / "input.bin"

    def make(stage="adapt", seed=1, threads=1, batch_size=8, extra=(), content=b"rows"):
        source.write_bytes(content)
        document = Document(Path("params.yaml"), "any", seed, threads, {}, {})
        sections = (EmbedParams(batch_size=batch_size), *extra)
        return resume_folder(stage, document, sections, [source])

    return make


def test_same_training_same_folder(folder_of):
    assert folder_of() == folder_of()


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "finetune"},
        {"seed": 2},
        {"threads": 2},
        {"batch_size": 9},
        {"extra": (UndersampleParams(neutral_only=3),)},
        {"content": b"rowz"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_difference_gives_another_folder(folder_of, change):
    assert folder_of(**change) != folder_of()


def test_profile_name_alone_does_not_matter(tmp_path):
    source = tmp_path / "input.bin"
    source.write_bytes(b"rows")
    folders = {
        resume_folder("adapt", Document(Path("p"), name, 1, 1, {}, {}), (), [source])
        for name in ("minilm", "mine")
    }
    assert len(folders) == 1


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_version_of_a_library_gives_another_folder(folder_of, monkeypatch, library):
    before = folder_of()
    monkeypatch.setattr(resume, "version", lambda name: "0" if name == library else version(name))
    assert folder_of() != before


def test_a_changed_source_file_gives_another_folder(folder_of, monkeypatch):
    before = folder_of()
    changed = Path(resume.__file__).with_name("trainer.py")
    hashed = []

    def hash_of(path):
        hashed.append(path)
        return "changed" if path == changed else sha256_file(path)

    monkeypatch.setattr(resume, "sha256_file", hash_of)
    assert folder_of() != before
    assert changed in hashed


def test_other_pinned_weights_give_another_folder(folder_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [folder_of()]
    for content in ("{}", '{"model": 1}'):
        Path("weights.lock.json").write_text(content)
        folders.append(folder_of())
    assert len(set(folders)) == 3


def test_another_kind_of_machine_gives_another_folder(folder_of, monkeypatch):
    before = folder_of()
    monkeypatch.setattr(resume, "describe_device", lambda: "another GPU")
    assert folder_of() != before


@pytest.mark.parametrize("stage", ["adapt", "finetune"])
def test_the_stage_script_is_among_its_inputs(stage):
    assert "Path(__file__)" in (Path("stages") / f"{stage}.py").read_text()
