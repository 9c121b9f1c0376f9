"""The lineage of a small package in a real traced, sound and with each link broken."""

import shutil
from pathlib import Path

import pytest
from support.labels import ROOT
from support.lineage import MODEL, write_config, write_lock
from support.repository import commit, git
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_json
from emotion_slm.corpus.description import read_description
from emotion_slm.encoder.params import StartParams
from emotion_slm.encoder.start import kept_at
from emotion_slm.workbench.lineage import Lineage, trace
from emotion_slm.workbench.lineage_evidence import Verdict


def differing(lineage: Lineage) -> list[str]:
    return [evidence.claim for evidence in lineage.differing]


def absent(lineage: Lineage) -> list[str]:
    return [found.claim for found in lineage.evidence if found.verdict is Verdict.ABSENT]


def shown(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["lineage", *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_a_sound_model_is_verified_to_the_last_link(traced):
    found = trace(MODEL)
    assert {evidence.verdict for evidence in found.evidence} == {Verdict.VERIFIED}
    assert len(found.evidence) == 7  # two files, lock, code, parameters, data, base weights
    assert [(revision.subject, revision.tags) for revision in found.revisions] == [
        ("model made", ["v1"])
    ]


def test_an_experiment_that_only_this_clone_has_is_no_origin(traced):
    made = git(traced, "rev-list", "HEAD").split()[-1]
    tree = git(traced, "rev-parse", f"{made}^{{tree}}").strip()
    experiment = git(traced, "commit-tree", tree, "-m", "experiment").strip()
    git(traced, "update-ref", "refs/exps/ab/cd/tried", experiment)
    assert [revision.commit for revision in trace(MODEL).revisions] == [made]


def test_the_screen_tells_what_the_model_was_made_from(traced):
    status, output = shown()
    commit_of_model = git(traced, "rev-list", "HEAD").split()[-1]
    assert status == 0
    for words in (
        "profile minilm, corpus sample, pooled split",
        "✓ classifier.safetensors",
        f"held by {commit_of_model[:9]} (v1)",
        "lora none, training (epochs 4)",
        "✓ data/raw/train.tsv",
        "base, revision abc",
        "7 verified",
    ):
        assert words in output


def test_the_model_it_was_started_from_is_held_to_its_hash(traced):
    begun = StartParams(
        package="models/goemotions", sha256="ab" * 32, profile="minilm", corpus="goemotions"
    )
    path = MODEL / "config.json"
    config = read_json(path)
    config["provenance"]["parameters"]["encoder"] = {"start": begun.model_dump()}
    write_json(path, config)
    (claim,) = [found for found in absent(trace(MODEL)) if "started" in found]
    assert claim == "started from the encoder of minilm on goemotions, config.json"
    write_json(kept_at(begun) / "config.json", {"another": "model"})
    assert claim in differing(trace(MODEL))


def test_what_is_not_here_is_absent_and_no_failure(traced):
    shutil.rmtree("data")
    shutil.rmtree("base")
    found = trace(MODEL)
    assert differing(found) == [] and absent(found) == [
        "data/raw/train.tsv",
        "base model.safetensors",
    ]
    status, output = shown()
    assert status == 0 and "– data/raw/train.tsv  absent here" in output


@pytest.mark.parametrize(
    ("path", "claim"),
    [
        (MODEL / "thresholds.json", "thresholds.json"),
        (Path("data/raw/train.tsv"), "data/raw/train.tsv"),
        (Path("base/model.safetensors"), "base model.safetensors"),
    ],
)
def test_an_altered_file_differs_and_fails_the_command(traced, path, claim):
    path.write_text("altered")
    assert claim in differing(trace(MODEL))
    status, output = shown()
    assert status == 1 and f"✗ {claim}  DIFFERS" in output


def test_a_missing_file_of_the_package_differs(traced):
    (MODEL / "thresholds.json").unlink()
    assert differing(trace(MODEL)) == ["thresholds.json", "dvc.lock"]


def test_a_file_too_many_is_known_by_the_lock(traced):
    (MODEL / "stray").write_text("not DVC's")
    found = trace(MODEL)
    assert differing(found) == ["dvc.lock"] and found.revisions == [] and found.code == []


def test_code_of_another_revision_is_named(traced):
    """A lock committed beside code it did not run: no revision made this model."""
    (MODEL / "thresholds.json").write_text("of a new run")
    write_config(traced)
    write_lock(traced, code="print('never committed')\n")
    commit(traced, "a lock without its code")
    found = trace(MODEL)
    assert differing(found) == ["code: 1 files and folders"]
    assert "stages/evaluate.py" in found.code[0].detail


def test_the_revision_whose_code_fits_is_the_maker(traced):
    """The code follows its lock one commit later: that later one is where the model came from."""
    (MODEL / "thresholds.json").write_text("of a new run")
    write_config(traced)
    write_lock(traced, code="print('new')\n")
    commit(traced, "lock first")
    (traced / "stages/evaluate.py").write_text("print('new')\n")
    (traced / "dvc.lock").write_text((traced / "dvc.lock").read_text() + "\n")
    later = commit(traced, "then the code")
    found = trace(MODEL)
    assert differing(found) == [] and len(found.revisions) == 2
    assert later[:9] in found.code[0].detail


def test_other_parameters_than_the_lock_s_differ(traced):
    config = read_json(MODEL / "config.json")
    config["provenance"]["parameters"]["seed"] = 9
    write_json(MODEL / "config.json", config)
    write_lock(traced, parameters={"seed": 8})
    commit(traced, "a config that says nine")
    (found,) = trace(MODEL).parameters
    assert found.verdict is Verdict.DIFFERS
    assert "seed" in found.detail and "profiles.minilm.adapt" in found.detail


def test_goemotions_is_held_to_its_pinned_hash_without_the_data(traced):
    shutil.rmtree("data/raw")
    Path("corpora").mkdir()
    shutil.copy(ROOT / "corpora/goemotions.yaml", "corpora")
    pinned = read_description("goemotions", ROOT).sha256["train.tsv"]
    for recorded, verdict in ((pinned, Verdict.ABSENT), ("00" * 32, Verdict.DIFFERS)):
        write_config(traced, corpus="goemotions", train=recorded)
        assert trace(MODEL).data[0].verdict is verdict


def test_a_run_that_is_not_committed_is_held_to_the_working_tree(traced):
    (MODEL / "thresholds.json").write_text("of a new run")
    write_config(traced)
    write_lock(traced)
    found = trace(MODEL)
    assert found.revisions == [] and differing(found) == []
    assert "working tree" in found.code[0].detail
    assert "no commit here has this model" in shown()[1]


def test_outside_git_the_package_still_has_a_lineage(traced, monkeypatch, tmp_path):
    shutil.copytree(MODEL, tmp_path / "alone/model")
    monkeypatch.chdir(tmp_path / "alone")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    found = trace(Path("model"))
    assert differing(found) == [] and found.revisions == [] and found.code == []
    assert absent(found) == ["dvc.lock", "data/raw/train.tsv", "base model.safetensors"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "no model here"),
        ("{", "not valid JSON"),
        ("{}", "does not say what the model was made from"),
        ('{"origin": {}, "provenance": [], "files": 1}', "before format 3"),
    ],
)
def test_a_folder_without_a_sound_config_is_an_error(traced, config, message):
    path = MODEL / "config.json"
    path.unlink()
    if config is not None:
        path.write_text(config)
    with pytest.raises(EmotionSlmError, match=message):
        trace(MODEL)
    status, output = shown()
    assert status == 1 and message.split()[0] in output


@pytest.mark.parametrize("lock", ["stages: [", "stages: 1", "stages: {a: {outs: [{md5: x}]}}"])
def test_a_lock_that_is_none_is_named(traced, lock):
    Path("dvc.lock").write_text(lock)
    with pytest.raises(EmotionSlmError, match=r"dvc\.lock of working tree: not a lock of DVC"):
        trace(MODEL)


def test_a_subject_with_odd_line_ends_is_one_commit(traced):
    (MODEL / "thresholds.json").write_text("of a new run")
    write_config(traced)
    write_lock(traced)
    commit(traced, "one \x85 two \u2028 three")
    assert len(trace(MODEL).revisions) == 1
