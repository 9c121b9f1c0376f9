import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
from support.import_closure import check_cover, closure

from emotion_slm.backbone.pretrained import WEIGHTS_LOCK, locate
from emotion_slm.balance.params import UndersampleParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, sha256_file, write_json
from emotion_slm.common.params import Document
from emotion_slm.encoder.params import EmbedParams
from emotion_slm.training import resume
from emotion_slm.training.checkpoints import Checkpoint, last_checkpoint, write_checkpoint
from emotion_slm.training.resume import LIBRARIES, ROOMS, discard, resume_folder


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
    before, path = folder_of(stage), resume.PACKAGE / changed
    assert path.exists()
    monkeypatch.setattr(
        resume, "sha256_file", lambda file: "changed" if file == path else sha256_file(file)
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
    monkeypatch.setattr(resume, "fingerprint", lambda params: pytest.fail("fetched"))
    params = backbone_params(tiny_bert).model_copy(update={"ram_gib": 1e6})
    with pytest.raises(EmotionSlmError, match="needs 1e"):
        folder_of(model=params)


def test_another_number_of_processes_or_python_gives_another_folder(folder_of, monkeypatch):
    folders = {folder_of()}
    monkeypatch.setenv("WORLD_SIZE", "2")
    folders.add(folder_of())
    monkeypatch.setattr(resume.platform, "python_version", lambda: "3.0.0")
    folders.add(folder_of())
    assert len(folders) == 3


def test_a_kill_within_discard_leaves_no_checkpoint_to_resume_from(tmp_path, monkeypatch):
    folder = tmp_path / "training" / "adapt-1"
    write_checkpoint(folder, 3, Checkpoint({"step": 3}, {}))

    def killed(path, **_options):
        if path.exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(resume.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        discard(folder)
    monkeypatch.undo()
    assert last_checkpoint(folder) is None
    write_checkpoint(folder, 5, Checkpoint({"step": 5}, {}))
    discard(folder)
    assert list(folder.parent.iterdir()) == []


def test_another_kind_of_machine_gives_another_folder(folder_of, monkeypatch):
    before = folder_of()
    monkeypatch.setattr(resume, "describe_device", lambda: "another GPU")
    assert folder_of() != before


@pytest.mark.parametrize("stage", ["adapt", "finetune"])
def test_the_stage_script_is_among_its_inputs(stage):
    assert "Path(__file__)" in (Path("stages") / f"{stage}.py").read_text()
