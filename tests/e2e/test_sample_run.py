"""One run of the pipeline on the sample corpus: what it leaves behind, and what reruns on a change.

Tests read the run and hold its files against the contract; what changes it changes a copy.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard
from support.labels import GOEMOTIONS, LABELS, to_matrix
from support.repository import dvc
from support.runs import as_somebody_else, hashes
from support.tiny import change, create_tiny_workspace, read_params, write_params

from emotion_slm.common.files import read_json, sha256_lines
from emotion_slm.common.paths import SPLITS
from emotion_slm.corpus.sample import ROWS
from emotion_slm.evaluation import predictions
from emotion_slm.scoring.classifier import EmotionClassifier
from emotion_slm.workbench import workspace

TEXT_COLUMNS = {"id", "text", "labels", "official_split", "duplicate_group"}
ROW_COLUMNS = {
    "id", "labels", "synthetic", "target_label", "seed_id", "neighbour_id", "t", "normalized",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_bert, backbone_params):
    """A cold run in a workspace of its own."""
    folder = tmp_path_factory.mktemp("first") / "workspace"
    create_tiny_workspace(folder, backbone_params(tiny_bert))
    workspace.repro(folder)
    return folder


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "emotion_slm.cli.app", *arguments],
        cwd=folder,
        env=workspace.environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def test_splits_follow_the_contract(run):
    frames = {name: pd.read_parquet(run / f"data/split/{name}.parquet") for name in SPLITS}
    assert sum(map(len, frames.values())) == ROWS
    for name, frame in frames.items():
        assert set(frame.columns) == TEXT_COLUMNS
        assert set(np.concatenate(frame["labels"].to_list())) <= set(LABELS)
        assert read_json(run / "metrics/split.json")[name] == len(frame)


def settings(folder: Path) -> dict:
    return read_params(folder)["profiles"]["sample"]


def test_undersampling_touches_neutral_only_rows_of_train_alone(run):
    train = pd.read_parquet(run / "data/split/train.parquet").set_index("id")
    kept = pd.read_parquet(run / "data/undersampled/train.parquet").set_index("id")
    neutral_only = train["labels"].map(list).map(lambda labels: labels == ["neutral"])
    assert set(train.index[~neutral_only]) <= set(kept.index) < set(train.index)
    assert len(kept) == (~neutral_only).sum() + settings(run)["undersample"]["keep"]


def test_vectors_are_indexed_by_id_one_per_distinct_text(run):
    vectors = np.load(run / "data/embedded/vectors.npy", mmap_mode="r")
    index = pd.read_parquet(run / "data/embedded/index.parquet")
    texts = pd.concat([pd.read_parquet(run / f"data/split/{name}.parquet") for name in SPLITS])
    assert vectors.dtype == np.float32 and len(vectors) == texts["text"].nunique()
    rows = texts.merge(index, on="id", validate="one_to_one").groupby("text")["row"].nunique()
    assert (rows == 1).all()


def test_balanced_rows_are_train_rows_then_synthetic_ones(run):
    rows = pd.read_parquet(run / "data/balanced/rows.parquet")
    kept = pd.read_parquet(run / "data/undersampled/train.parquet")
    assert set(rows.columns) == ROW_COLUMNS
    assert rows["id"][: len(kept)].tolist() == kept["id"].tolist()
    assert not rows["synthetic"][: len(kept)].any() and rows["synthetic"][len(kept) :].all()
    counts = dict(zip(LABELS, to_matrix(rows["labels"]).sum(axis=0), strict=True))
    target = settings(run)["ismote"]["target"]
    assert all(count >= target for label, count in counts.items() if label != "neutral")
    written = pd.read_csv(run / "metrics/plots/label_counts.csv", index_col="label")
    assert written["balanced"].to_dict() == counts


def test_the_encoder_names_the_rows_it_saw(run):
    train = pd.read_parquet(run / "data/split/train.parquet")
    config = read_json(run / "models/adapted/config.json")
    assert config["train_ids_sha256"] == sha256_lines(train["id"].tolist())


def test_metrics_follow_the_contract(run):
    test = read_json(run / "metrics/test.json")
    assert set(test) == {
        "macro_f1", "macro_f1_low", "macro_f1_high", "micro_f1", "map", "auroc", "exact_accuracy",
        "macro_precision", "macro_recall", "ece", "brier", "macro_f1_targets", "macro_f1_at_half",
        "reference_macro_f1",
    }  # fmt: skip
    assert test["macro_f1_low"] <= test["macro_f1"] <= test["macro_f1_high"]
    for name in ("validation", "leakage", "balance", "split", "baselines"):
        numbers = read_json(run / f"metrics/{name}.json")
        assert 0 < len(numbers) <= 6
        assert all(type(number) in (int, float) for number in numbers.values())
    assert read_json(run / "metrics/leakage.json")["broken"] == 0
    per_label = pd.read_csv(run / "metrics/plots/per_label.csv")
    assert per_label["label"].tolist() == list(LABELS)
    assert per_label["f1"].mean() == pytest.approx(test["macro_f1"], abs=1e-6)


def test_metrics_can_be_recomputed_from_the_predictions(run):
    test = pd.read_parquet(run / "data/split/test.parquet")
    logits = predictions.read(
        run / "data/predictions/test.parquet", test["id"].tolist(), GOEMOTIONS
    )
    gold = to_matrix(test["labels"])
    predicted = logits >= 0  # sigmoid ≥ 0.5
    hits = (predicted & (gold == 1)).sum(axis=0)
    f1 = 2 * hits / np.maximum(predicted.sum(axis=0) + gold.sum(axis=0), 1)
    found = read_json(run / "metrics/test.json")["macro_f1_at_half"]
    assert found == pytest.approx(f1.mean(), abs=1e-6)


def test_the_packaged_model_scores_as_it_was_evaluated(run):
    test = pd.read_parquet(run / "data/split/test.parquet")
    evaluated = predictions.read(
        run / "data/predictions/test.parquet", test["id"].tolist(), GOEMOTIONS
    )
    classifier = EmotionClassifier.from_pretrained(run / "models/classifier")
    np.testing.assert_allclose(classifier.logits(test["text"]), evaluated, atol=1e-3)


@pytest.mark.slow
def test_the_card_carries_the_test_scores_and_its_examples_run(run):
    card = ModelCard.load(run / "models/classifier/README.md")
    test = read_json(run / "metrics/test.json")
    values = [result.metric_value for result in card.data.eval_results]
    assert {test["macro_f1"], test["macro_f1_at_half"], test["map"]} <= set(values)
    examples = re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)
    assert len(examples) == 2
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(reversed(examples))],  # transformers in a fresh process
        cwd=run,
        env=workspace.environment(run),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_nothing_packaged_is_a_pickle(run):
    names = {path.suffix for path in (run / "models").rglob("*") if path.is_file()}
    assert names <= {".json", ".safetensors", ".md"}


def test_tracked_results_hold_no_corpus_text_and_no_absolute_path(run):
    texts = set(pd.read_parquet(run / "data/split/test.parquet")["text"])
    for path in (run / "metrics").rglob("*.*"):
        content = path.read_bytes().decode("utf-8", "replace")
        assert str(run) not in content
        assert not any(text in content for text in texts if len(text) > 40)


def test_the_audit_passes(run):
    assert command(run, "audit").returncode == 0


@pytest.mark.slow
def test_the_audit_fails_when_a_test_row_is_smuggled_into_train(copy):
    path = copy / "data/balanced/rows.parquet"
    rows = pd.read_parquet(path)
    test_id = pd.read_parquet(copy / "data/split/test.parquet")["id"][0]
    rows.loc[rows.index[-1], "seed_id"] = test_id
    path.unlink()  # a link into the DVC cache must not be written through
    rows.to_parquet(path, index=False)
    done = command(copy, "audit")
    assert done.returncode == 1
    assert "the leak audit failed" in done.stderr


def test_predict_scores_a_csv_file(run, tmp_path):
    source = tmp_path / "tickets.csv"
    source.write_text('ticket,body\n1,"Thanks, this is great!"\n2,\n', encoding="utf-8")
    done = command(run, "predict", str(source), "--text-column", "body")
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(tmp_path / "tickets.scored.csv", keep_default_na=False)
    assert list(scored.columns) == ["ticket", "body", "labels", *LABELS]
    assert scored["body"].tolist() == ["Thanks, this is great!", ""]
    assert scored[list(LABELS)].to_numpy().min() >= 0


def test_report_marks_the_sample_corpus(run):
    done = command(run, "report")
    assert done.returncode == 0 and "sample corpus" in done.stdout


@pytest.mark.slow
def test_a_second_cold_run_by_somebody_else_gives_the_same_files(
    run, tmp_path, tiny_bert, backbone_params, monkeypatch
):
    folder = tmp_path / "else where"
    create_tiny_workspace(folder, backbone_params(tiny_bert))
    as_somebody_else(monkeypatch, tmp_path / "home")
    workspace.repro(folder)
    assert (folder / "dvc.lock").read_bytes() == (run / "dvc.lock").read_bytes()
    assert hashes(folder) == hashes(run)


# What reruns


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


@pytest.fixture(scope="module")
def frozen_run(run, tmp_path_factory):
    """The run, gone on to a profile whose encoder is frozen."""
    folder = shutil.copytree(run, tmp_path_factory.mktemp("frozen") / "workspace")
    change(folder, profile="recipe-minilm")
    assert {"adapt", "embed", "ismote", "finetune", "evaluate"} <= set(repro(folder))
    return folder


@pytest.fixture
def frozen(frozen_run, tmp_path):
    return shutil.copytree(frozen_run, tmp_path / "frozen")


def test_an_unchanged_pipeline_runs_nothing(copy):
    assert repro(copy) == []


def test_a_fresh_clone_with_a_remote_runs_nothing(copy, tmp_path):
    """`dvc repro --pull --allow-missing` where only what git keeps is there."""
    clone, remote = tmp_path / "clone", tmp_path / "remote"
    make = ["make", "remote", f"URL={remote}", f"BIN={Path(sys.executable).parent}"]
    subprocess.run(make, cwd=copy, check=True)
    dvc(copy, "push")
    kept_by_git = shutil.ignore_patterns("cache", "tmp", "data", "models", ".scratch")
    shutil.copytree(copy, clone, ignore=kept_by_git)
    done = dvc_repro(clone, "--pull", "--allow-missing")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Running stage" not in done.stdout
    assert "up to date" in done.stdout
    dvc(clone, "pull")
    assert (clone / "models/classifier/config.json").exists()


@pytest.mark.slow
def test_a_threshold_grid_reruns_evaluate_alone(copy):
    change(copy, evaluate__thresholds__grid_step=0.02)
    assert repro(copy) == ["params", "evaluate"]


@pytest.mark.slow
def test_an_ismote_target_reruns_what_follows_ismote(copy):
    change(copy, profiles__sample__ismote__target=settings(copy)["ismote"]["target"] + 10)
    assert sorted(repro(copy)) == ["evaluate", "finetune", "ismote", "params"]


@pytest.mark.slow
def test_a_loss_reruns_finetune_and_evaluate(copy):
    change(copy, profiles__sample__finetune__loss={"name": "bce"})
    assert sorted(repro(copy)) == ["evaluate", "finetune", "params"]


@pytest.mark.slow
def test_a_copied_profile_is_the_same_work(copy):
    params = read_params(copy)
    params["profiles"]["copy"] = params["profiles"]["sample"]
    write_params(copy, params | {"profile": "copy"})
    assert repro(copy) == ["params", "evaluate"]  # the package names its profile
    write_params(copy, params)
    assert repro(copy) == ["params"]


def test_another_profile_leaves_this_one_valid(copy):
    change(copy, profiles__recipe_minilm__ismote__target=100)
    assert repro(copy) == ["params"]


@pytest.mark.slow
def test_profiles_switch_and_return_from_the_run_cache(frozen):
    change(frozen, profile="sample")
    assert repro(frozen) == ["params"]
    change(frozen, profile="recipe-minilm")
    assert repro(frozen) == ["params"]


@pytest.mark.slow
def test_a_frozen_encoder_is_not_run_again_for_another_seed(frozen):
    change(frozen, seed=1)
    ran = repro(frozen)
    assert "embed" not in ran
    assert {"split", "undersample", "ismote", "finetune", "evaluate"} <= set(ran)


@pytest.mark.slow
def test_another_protocol_splits_again_but_neither_fetches_nor_embeds(frozen):
    change(frozen, split__protocol="official")
    ran = repro(frozen)
    assert ran[:2] == ["params", "split"] and "embed" not in ran
    origin = read_json(frozen / "models/classifier/config.json")["origin"]
    assert (origin["corpus"], origin["protocol"]) == ("sample", "official")
    assert read_json(frozen / "metrics/split.json")["dropped"] > 0
    change(frozen, split__protocol="pooled")
    assert repro(frozen) == ["params"]


@pytest.mark.slow
def test_a_source_file_reruns_the_stages_that_import_it_and_those_before_a_failure_are_kept(copy):
    change(copy, profiles__sample__ismote__target=settings(copy)["ismote"]["target"] + 10)
    path = copy / "src/emotion_slm/package/card.py"
    code = path.read_text()
    path.write_text(code + "\nraise ValueError('broken')\n")
    done = dvc_repro(copy)
    assert done.returncode != 0 and "ValueError: broken" in done.stderr + done.stdout
    path.write_text(code + "\n# a comment\n")
    assert repro(copy) == ["params", "evaluate"]


def test_a_mistake_in_params_is_named_and_undone(copy):
    neighbours = read_params(copy)["profiles"]["sample"]["ismote"]["k_neighbors"]
    change(copy, profiles__sample__ismote__k_neighbors=0)
    done = dvc_repro(copy)
    assert done.returncode != 0
    assert "profiles.sample.ismote.k_neighbors" in done.stderr + done.stdout
    change(copy, profiles__sample__ismote__k_neighbors=neighbours)
    assert repro(copy) == ["params"]
