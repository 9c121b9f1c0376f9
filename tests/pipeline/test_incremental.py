"""What reruns when something changes: the promise of a pipeline under DVC."""

import re
import shutil
import subprocess
import sys

import pytest
from support.repository import dvc
from support.tiny import change, create_tiny_workspace

from emotion_slm.common.files import read_json
from emotion_slm.workbench import workspace


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory, tiny_bert, backbone_params):
    """A workspace in which the whole pipeline has run once."""
    folder = tmp_path_factory.mktemp("incremental") / "workspace"
    create_tiny_workspace(folder, backbone_params(tiny_bert))
    repro(folder)
    return folder


def dvc_repro(folder, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "dvc", "repro", *options],
        cwd=folder,
        env=workspace.environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def repro(folder) -> list[str]:
    """`dvc repro`; the stages that really ran, in order."""
    done = dvc_repro(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"^Running stage '(\w+)'", done.stdout, flags=re.MULTILINE)


def test_an_unchanged_pipeline_runs_nothing(pipeline):
    assert repro(pipeline) == []


def test_a_fresh_clone_with_a_remote_runs_nothing(pipeline, tmp_path):
    """`dvc repro --pull --allow-missing` where only what git keeps is there."""
    clone, remote = tmp_path / "clone", tmp_path / "remote"
    for arguments in (("remote", "add", "--local", "--default", "mine", remote), ("push",)):
        dvc(pipeline, *map(str, arguments))
    kept_by_git = shutil.ignore_patterns("cache", "tmp", "data", "models", ".scratch")
    shutil.copytree(pipeline, clone, ignore=kept_by_git)
    done = dvc_repro(clone, "--pull", "--allow-missing")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Running stage" not in done.stdout
    assert "up to date" in done.stdout
    dvc(pipeline, "remote", "remove", "--local", "mine")


def test_a_threshold_grid_reruns_evaluate_alone(pipeline):
    change(pipeline, evaluate__thresholds__grid_step=0.02)
    assert repro(pipeline) == ["evaluate"]


def test_an_ismote_target_reruns_what_follows_ismote(pipeline):
    change(pipeline, profiles__sample__ismote__target=120)
    assert sorted(repro(pipeline)) == ["evaluate", "finetune", "ismote"]


def test_a_loss_reruns_finetune_and_evaluate(pipeline):
    change(pipeline, profiles__sample__finetune__loss={"name": "bce"})
    assert sorted(repro(pipeline)) == ["evaluate", "finetune"]


def test_another_profile_leaves_this_one_valid(pipeline):
    change(pipeline, profiles__recipe_minilm__ismote__target=100)
    assert repro(pipeline) == []


def test_profiles_switch_and_return_from_the_run_cache(pipeline):
    change(pipeline, profile="recipe-minilm")
    assert set(repro(pipeline)) >= {"adapt", "embed", "ismote", "finetune", "evaluate"}
    change(pipeline, profile="sample")
    assert repro(pipeline) == []


def test_a_frozen_encoder_is_not_run_again_for_another_seed(pipeline):
    change(pipeline, profile="recipe-minilm")
    assert repro(pipeline) == []
    change(pipeline, seed=1)
    ran = repro(pipeline)
    assert "embed" not in ran
    assert {"split", "undersample", "ismote", "finetune", "evaluate"} <= set(ran)


def test_another_protocol_splits_again_but_neither_fetches_nor_embeds(pipeline):
    change(pipeline, split__protocol="official")
    ran = repro(pipeline)
    assert ran[0] == "split" and "embed" not in ran
    assert read_json(pipeline / "metrics/test.json")["protocol"] == "official"
    assert read_json(pipeline / "metrics/split.json")["dropped"]["train"] > 0
    change(pipeline, split__protocol="pooled")
    assert repro(pipeline) == []


def test_a_source_file_reruns_the_stages_that_import_it(pipeline):
    path = pipeline / "src/emotion_slm/plots/labels.py"
    path.write_text(path.read_text() + "\n# a comment\n")
    assert repro(pipeline) == ["evaluate"]


def test_a_failing_stage_keeps_the_results_of_those_before_it(pipeline):
    change(pipeline, profiles__recipe_minilm__ismote__k_neighbors=0)
    done = dvc_repro(pipeline)
    assert done.returncode != 0
    assert "profiles.recipe-minilm.ismote.k_neighbors" in done.stderr + done.stdout
    change(pipeline, profiles__recipe_minilm__ismote__k_neighbors=5)
    assert repro(pipeline) == []
