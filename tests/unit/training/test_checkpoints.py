from pathlib import Path

import pytest

from emotion_slm.params.document import Document
from emotion_slm.params.embed import EmbedParams
from emotion_slm.params.undersample import UndersampleParams
from emotion_slm.training.checkpoints import COMPLETE, discard, last_complete, resume_folder


def checkpoint(folder: Path, step: int, complete: bool = True) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"weights")
    if complete:
        (path / COMPLETE).touch()
    return path


def test_nothing_to_resume_in_a_missing_or_empty_folder(tmp_path):
    assert last_complete(tmp_path / "absent") is None
    assert last_complete(tmp_path) is None


def test_highest_step_wins_by_number_not_by_name(tmp_path):
    for step in (5, 100, 20):
        checkpoint(tmp_path, step)
    assert last_complete(tmp_path) == tmp_path / "checkpoint-100"


def test_checkpoint_cut_short_is_ignored_and_deleted(tmp_path):
    whole = checkpoint(tmp_path, 10)
    cut = checkpoint(tmp_path, 20, complete=False)
    assert last_complete(tmp_path) == whole
    assert not cut.exists()
    assert (whole / "model.safetensors").exists()


def test_only_cut_short_checkpoints_means_start_afresh(tmp_path):
    checkpoint(tmp_path, 10, complete=False)
    assert last_complete(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_discard_removes_the_folder_and_tolerates_its_absence(tmp_path):
    checkpoint(tmp_path / "training", 10)
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


def test_other_libraries_give_another_folder(folder_of, monkeypatch):
    before = folder_of()
    monkeypatch.setattr("emotion_slm.training.checkpoints.version", lambda name: "0.0")
    assert folder_of() != before
