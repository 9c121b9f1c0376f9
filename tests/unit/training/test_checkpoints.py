import errno
import resource
import shutil
import signal
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.import_closure import check_cover, closure

from emotion_slm.backbone.pretrained import WEIGHTS_LOCK, locate
from emotion_slm.balance.params import UndersampleParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.common.params import Document
from emotion_slm.encoder.params import EmbedParams
from emotion_slm.training import checkpoints
from emotion_slm.training.checkpoints import (
    LIBRARIES,
    ROOMS,
    Checkpoint,
    discard,
    last_checkpoint,
    read_state,
    resume_folder,
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


def test_discard_removes_the_folder_and_tolerates_its_absence(tmp_path):
    (tmp_path / "training" / "checkpoint-1").mkdir(parents=True)
    discard(tmp_path / "training")
    assert not (tmp_path / "training").exists()
    discard(tmp_path / "training")


@pytest.fixture
def folder_of(tmp_path):
    """Function: what a training is made of → its resume folder."""
    source = tmp_path / "input.bin"

    def make(stage="adapt", seed=1, threads=1, batch_size=8, extra=(), content=b"rows", model=None):
        source.write_bytes(content)
        document = Document(Path("params.yaml"), "any", seed, threads, {}, {})
        sections = (EmbedParams(batch_size=batch_size), *extra)
        return resume_folder(stage, document, sections, [source], model)

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
        {"extra": (UndersampleParams(keep=3),)},
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
    monkeypatch.setattr(
        checkpoints, "version", lambda name: "0" if name == library else version(name)
    )
    assert folder_of() != before


@pytest.mark.parametrize("stage", ROOMS)
@pytest.mark.parametrize(
    ("changed", "of"),
    [
        ("training/trainer.py", {"adapt", "finetune"}),
        ("classifier/finetune.py", {"finetune"}),
        ("workbench/report.py", set()),
    ],
)
def test_a_changed_source_file_gives_another_folder_where_the_training_runs_it(
    folder_of, monkeypatch, stage, changed, of
):
    before, path = folder_of(stage), checkpoints.PACKAGE / changed
    assert path.exists()
    monkeypatch.setattr(
        checkpoints, "sha256_file", lambda file: "changed" if file == path else sha256_file(file)
    )
    assert (folder_of(stage) != before) == (stage in of)


@pytest.mark.parametrize("stage", ROOMS)
def test_the_code_of_a_training_is_what_its_stage_imports(stage):
    rooms = {Path("src/emotion_slm", room) for room in ROOMS[stage]}
    check_cover(closure(Path("stages", f"{stage}.py")), rooms)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_another_file_of_the_pretrained_model_gives_another_folder(
    folder_of, backbone_params, tiny_bert, tmp_path, name
):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_bert, copy)
    params = backbone_params(copy)
    before = folder_of(model=params)
    assert before != folder_of()
    (copy / name).write_text((copy / name).read_text() + " ")
    locate.cache_clear()
    assert folder_of(model=params) != before


def test_the_first_use_of_unpinned_weights_has_the_folder_of_the_next(
    folder_of, backbone_params, tiny_bert, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    params = backbone_params(tiny_bert).model_copy(update={"sha256": None})
    locate.cache_clear()
    assert not WEIGHTS_LOCK.exists()
    first = folder_of(model=params)  # records the weights
    assert WEIGHTS_LOCK.exists()
    locate.cache_clear()
    assert folder_of(model=params) == first
    lock = read_json(WEIGHTS_LOCK)
    write_json(WEIGHTS_LOCK, lock | {"another/model": {"revision": None, "files": {}}})
    assert folder_of(model=params) == first


def test_a_machine_that_cannot_run_the_model_is_named_before_it_is_fetched(
    folder_of, backbone_params, tiny_bert, monkeypatch
):
    monkeypatch.setattr(checkpoints, "fingerprint", lambda params: pytest.fail("fetched"))
    params = backbone_params(tiny_bert).model_copy(update={"ram_gib": 1e6})
    with pytest.raises(EmotionSlmError, match="needs 1e"):
        folder_of(model=params)


def test_another_number_of_processes_or_python_gives_another_folder(folder_of, monkeypatch):
    folders = {folder_of()}
    monkeypatch.setenv("WORLD_SIZE", "2")
    folders.add(folder_of())
    monkeypatch.setattr(checkpoints.platform, "python_version", lambda: "3.0.0")
    folders.add(folder_of())
    assert len(folders) == 3


def test_a_kill_within_discard_leaves_no_checkpoint_to_resume_from(tmp_path, monkeypatch):
    folder = tmp_path / "training" / "adapt-1"
    write_checkpoint(folder, 3, Checkpoint({"step": 3}, {}))

    def killed(path, **_options):
        if path.exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        discard(folder)
    monkeypatch.undo()
    assert last_checkpoint(folder) is None
    write_checkpoint(folder, 5, Checkpoint({"step": 5}, {}))
    discard(folder)
    assert list(folder.parent.iterdir()) == []


def test_another_kind_of_machine_gives_another_folder(folder_of, monkeypatch):
    before = folder_of()
    monkeypatch.setattr(checkpoints, "describe_device", lambda: "another GPU")
    assert folder_of() != before


@pytest.mark.parametrize("stage", ["adapt", "finetune"])
def test_the_stage_script_is_among_its_inputs(stage):
    assert "Path(__file__)" in (Path("stages") / f"{stage}.py").read_text()
