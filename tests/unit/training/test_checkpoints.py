import errno
import resource
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.training import checkpoints
from emotion_slm.training.checkpoints import (
    Checkpoint,
    last_checkpoint,
    read_state,
    write_checkpoint,
)

SMALL = Checkpoint({"step": 3, "loss": 0.1}, {"trained": {"weight": torch.arange(4.0)}})
LARGE = Checkpoint({"step": 9}, {"trained": {"weight": torch.zeros(100_000)}, "optimizer": {}})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_to_resume_in_a_missing_or_empty_folder(tmp_path):
    assert last_checkpoint(tmp_path / "absent") is None
    assert last_checkpoint(tmp_path) is None


def test_round_trip(tmp_path):
    place = write_checkpoint(tmp_path / "new", 3, SMALL)
    assert last_checkpoint(tmp_path / "new") == place == tmp_path / "new/checkpoint-3"
    assert read_state(place) == SMALL.state
    loaded = load_file(place / "trained.safetensors")
    assert torch.equal(loaded["weight"], torch.arange(4.0))


def test_highest_step_wins_by_number_not_by_name(tmp_path):
    for step in (5, 100, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "state.json").write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    (tmp_path / "checkpoint-100" / "state.json").unlink()  # a deletion that was killed
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-20"


def test_unfinished_checkpoint_is_never_used_and_goes_with_the_next_one(tmp_path):
    whole = write_checkpoint(tmp_path, 10, SMALL)
    (tmp_path / "checkpoint-20.part").mkdir()
    (tmp_path / "checkpoint-20.part" / "state.json").write_text("{}")
    assert last_checkpoint(tmp_path) == whole
    (tmp_path / "checkpoint-30.part").mkdir()
    newer = write_checkpoint(tmp_path, 30, SMALL)
    assert list(tmp_path.iterdir()) == [newer]


def test_an_older_checkpoint_stays_until_the_new_one_is_in_its_place(tmp_path, monkeypatch):
    older = write_checkpoint(tmp_path, 1, SMALL)
    present = []
    write = checkpoints._write

    def spy(path, content):
        present.append(older.is_dir() and last_checkpoint(tmp_path) == older)
        write(path, content)

    monkeypatch.setattr(checkpoints, "_write", spy)
    newer = write_checkpoint(tmp_path, 2, SMALL)
    assert present == [True, True]
    assert list(tmp_path.iterdir()) == [newer]


@pytest.fixture
def file_size_limit():
    """Function: no file of this process may grow beyond so many bytes."""
    signals = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, signals)


def test_a_write_the_system_refuses_leaves_the_earlier_checkpoint(tmp_path, file_size_limit):
    older = write_checkpoint(tmp_path, 1, SMALL)
    before = files(older)
    file_size_limit(100_000)
    with pytest.raises(EmotionSlmError, match=r"the checkpoint could not be written \(File too"):
        write_checkpoint(tmp_path, 2, LARGE)
    assert list(tmp_path.iterdir()) == [older]
    assert files(older) == before


@pytest.mark.parametrize("earlier", [True, False])
def test_a_full_disk_is_named_with_its_folder_and_remedy(tmp_path, monkeypatch, earlier):
    if earlier:
        write_checkpoint(tmp_path, 1, SMALL)

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(checkpoints, "_write", full)
    with pytest.raises(EmotionSlmError) as stopped:
        write_checkpoint(tmp_path, 2, SMALL)
    start = "resumes from checkpoint-1" if earlier else "starts afresh"
    assert str(stopped.value) == (
        f"{tmp_path}: the checkpoint could not be written (No space left on device); free some "
        f"space there and run `dvc repro` again: it {start}"
    )


def test_a_state_that_is_not_a_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_checkpoint(tmp_path, 1, Checkpoint({"loss": float("nan")}, {}))
    assert last_checkpoint(tmp_path) is None
