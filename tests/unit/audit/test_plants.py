"""The catalogue of plants: what is done to a clean workspace, and the rule that must break.

Quick tests run the part of the audit that must find it; the slow ones the whole audit.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import plants
from support.described import labels_of, rows_of, run_stages, write_workspace
from support.leaks import (
    Plant,
    append,
    both,
    drop,
    edit,
    move,
    rehash,
    reset,
    rewrite,
    write_in,
)

from emotion_slm.audit import remade as remade_module
from emotion_slm.audit import results as results_module
from emotion_slm.audit.audit import PARTS, audit
from emotion_slm.audit.leaks import check
from emotion_slm.audit.result import enforce
from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError
from stages import fetch, split

TRAIN, VALIDATION, TEST = (f"data/split/{name}.parquet" for name in ("train", "validation", "test"))
THINNED = "data/undersampled/train.parquet"
ROWS, BALANCED = "data/balanced/rows.parquet", "data/balanced/vectors.npy"
INDEX, EMBEDDED = "data/embedded/index.parquet", "data/embedded/vectors.npy"
PREDICTED = "data/predictions/test.parquet"
ADAPTED, FINETUNED = "models/adapted/config.json", "models/finetuned/config.json"
PACKAGE = "models/classifier"
CONFIG = f"{PACKAGE}/config.json"
LAST = 220  # a synthetic row: the last of the balanced ones


def trained_on(key: str, value: object) -> Plant:
    return reset(FINETUNED, "trained_on", key, value=value)


def ids_of(*names: str):
    """SHA-256 of the ids of several splits together."""

    def digest(root: Path) -> str:
        frames = [files.read_parquet(root / f"data/split/{name}.parquet", ["id"]) for name in names]
        return files.sha256_lines([id_ for frame in frames for id_ in frame["id"]])

    return digest


def reset_to_ids(path: str, *keys: str, of: tuple[str, ...]) -> Plant:
    return lambda root: reset(path, *keys, value=ids_of(*of)(root))(root)


def moved_between_splits(root: Path) -> None:
    """A train row and a test row change places, with all their columns."""
    train, test = (files.read_parquet(root / path, ["id"]) for path in (TRAIN, TEST))
    row, other = train.iloc[[5]], test.iloc[[5]]
    for path, frame, new in ((TRAIN, train, other), (TEST, test, row)):
        kept = pd.concat([frame.iloc[:5], new, frame.iloc[6:]], ignore_index=True)
        files.write_parquet(root / path, kept)


def punctuated_copies(root: Path) -> None:
    """Test rows once more in train, with other ids and punctuation."""
    copies = files.read_parquet(root / TEST, ["id"]).head(3)
    copies = copies.assign(
        id=[f"{id_}x" for id_ in copies["id"]], text=[f"{text} …?!" for text in copies["text"]]
    )
    rewrite(TRAIN, lambda frame: pd.concat([frame, copies], ignore_index=True))(root)


def one_row_less(root: Path) -> None:
    """A synthetic row and its vector taken out."""
    drop(ROWS, LAST)(root)
    plants.array(BALANCED, lambda vectors: vectors[:-1])(root)


def one_row_twice(root: Path) -> None:
    append(ROWS, ROWS, LAST, id="synthetic-000048")(root)
    plants.array(BALANCED, lambda vectors: np.concatenate([vectors, vectors[-1:]]))(root)


def another_tokenizer(root: Path) -> None:
    """Two words of the vocabulary exchanged, and vouched for."""
    path = root / PACKAGE / "tokenizer.json"
    content = files.read_json(path)
    vocabulary = content["model"]["vocab"]
    vocabulary["happy"], vocabulary["sad"] = vocabulary["sad"], vocabulary["happy"]
    files.write_json(path, content)
    plants.reseal("tokenizer.json")(root)


def packaged(*keys: str, value: object) -> Plant:
    return reset(CONFIG, *keys, value=value)


def columns_exchanged(path: str, one: str, other: str) -> Plant:
    return rewrite(path, lambda frame: frame.rename(columns={one: other, other: one}))


# Name → what is done, the part that must find it, the rule it must break.
FRAUDS: dict[str, tuple[Plant, str, str]] = {
    # The classifier.
    "a classifier trained on test too, its record forged": (
        plants.fitted_on_test_too, "classifier", "classifier_not_made_again",
    ),
    "a record of other rows": (
        reset_to_ids(FINETUNED, "trained_on", "ids_sha256", of=("train", "test")),
        "classifier", "classifier_trained_on_other_rows",
    ),
    "a record of more rows": (
        trained_on("rows", 371), "classifier", "classifier_trained_on_other_rows",
    ),
    "a record of other vectors": (
        trained_on("data_sha256", "0" * 64), "classifier", "classifier_trained_on_other_rows",
    ),
    "a record of an epoch picked on test": (
        reset_to_ids(FINETUNED, "trained_on", "validation_ids_sha256", of=("test",)),
        "classifier", "classifier_trained_on_other_rows",
    ),
    "a classifier scaled": (
        plants.weights_scaled("models/finetuned/classifier.safetensors", 1.01),
        "classifier", "classifier_not_made_again",
    ),
    "a classifier said to be another": (
        reset(FINETUNED, "width", value=31), "classifier", "classifier_of_other_params",
    ),
    "a training curve embellished": (
        write_in("metrics/plots/finetune_curve.csv", "\n10,0.0", "\n10,0.00"),
        "classifier", "classifier_curve_not_made_again",
    ),
    "an epoch left out of the curve": (
        lambda root: _without_last_line(root / "metrics/plots/finetune_curve.csv"),
        "classifier", "classifier_curve_not_made_again",
    ),
    "a curve of adaptation measured on other rows": (
        write_in("metrics/plots/adapt_curve.csv", ",0.2", ",0.3"),
        "classifier", "adapt_curve_not_of_the_encoder",
    ),
    "another head in models/adapted": (
        plants.weights_scaled("models/adapted/head.safetensors", -1.0),
        "classifier", "adapt_curve_not_of_the_encoder",
    ),
    # The encoder.
    "an encoder adapted on train and test": (
        reset_to_ids(ADAPTED, "train_ids_sha256", of=("train", "test")),
        "evaluation", "adapted_encoder_saw_other_rows",
    ),
    "an encoder whose epoch test picked": (
        reset_to_ids(ADAPTED, "validation_ids_sha256", of=("test",)),
        "evaluation", "adapted_encoder_saw_other_rows",
    ),
    "an adapted encoder said to be frozen": (
        reset(ADAPTED, "frozen", value=True), "evaluation", "adapted_otherwise_than_params_say",
    ),
    "adapters that params do not know": (
        reset(ADAPTED, "lora", value={"r": 2, "alpha": 4, "dropout": 0.0}),
        "evaluation", "adapted_otherwise_than_params_say",
    ),
    "another encoder than embedded": (
        plants.weights_scaled("models/adapted/encoder.safetensors", 1.02),
        "vectors", "sampled_vectors_not_of_their_text",
    ),
    # Vectors and logits.
    "test's vectors moved 1.95 % towards their labels": (
        plants.moved_vectors_of_test(0.0195), "vectors", "sampled_vectors_not_of_their_text",
    ),
    "test's vectors moved 0.1 % towards their labels": (
        plants.moved_vectors_of_test(0.001), "vectors", "sampled_vectors_not_of_their_text",
    ),
    "test's logits moved 4.7 % towards their labels": (
        plants.logits_moved("test", 0.047), "results", "predictions_not_by_the_classifier",
    ),
    "test's logits moved 0.05 % towards their labels": (
        plants.logits_moved("test", 5e-4), "results", "predictions_not_by_the_classifier",
    ),
    "the push of test's logits is told from rounding": (
        plants.logits_moved("test", 0.047), "results", "predictions_moved_towards_their_labels",
    ),
    "validation's logits moved away from their labels": (
        plants.logits_moved("validation", -0.04), "results", "predictions_not_by_the_classifier",
    ),
    "one logit moved by a thousandth": (
        rewrite(PREDICTED, lambda frame: frame.assign(joy=frame["joy"] * np.float32(1.002))),
        "results", "predictions_not_by_the_classifier",
    ),
    "two labels of the predictions exchanged": (
        columns_exchanged(PREDICTED, "joy", "anger"), "results",
        "predictions_not_by_the_classifier",
    ),
    "two rows of the predictions exchanged": (
        plants.swapped(PREDICTED, "id", 0, 1), "results", "predictions_not_by_the_classifier",
    ),
    "a prediction twice": (
        append(PREDICTED, PREDICTED, 0), "evaluation", "test_predictions_repeated",
    ),
    "a prediction missing": (drop(PREDICTED, 0), "evaluation", "test_predictions_missing"),
    "a prediction of a train row": (
        append(PREDICTED, PREDICTED, 0, id="train0"), "evaluation", "test_predictions_extra",
    ),
    "a NaN among the predictions": (
        edit(PREDICTED, 3, joy=np.nan), "evaluation", "test_predictions_not_finite",
    ),
    "two texts' vectors exchanged": (
        plants.swapped(INDEX, "row", 3, 4), "vectors", "embedded_rows_not_of_the_corpus",
    ),
    "a row of the corpus never embedded": (drop(INDEX, 3), "vectors", "rows_without_vector"),
    "a vector nobody has": (
        plants.array(EMBEDDED, lambda vectors: np.concatenate([vectors, vectors[:1]])),
        "vectors", "embedded_rows_not_of_the_corpus",
    ),
    "an infinite number in a vector": (
        move(EMBEDDED, 3, np.inf), "vectors", "rows_with_vector_not_finite",
    ),
    "vectors of another length limit": (
        reset("data/embedded/config.json", "max_length", value=16),
        "vectors", "embedded_by_another_encoder",
    ),
    # Splits and the corpus.
    "a split of another seed": (plants.seeded(1), "remade", "split_not_of_its_seed"),
    "a row of train and one of test exchanged": (
        moved_between_splits, "remade", "split_not_of_its_seed",
    ),
    "another order of rows": (
        rewrite(TRAIN, lambda frame: frame.iloc[::-1]), "remade", "split_not_of_its_seed",
    ),
    "a raw row left out": (drop(VALIDATION, 3), "raw", "raw_rows_missing"),
    "a raw row left out, seen by its seed": (
        drop(VALIDATION, 3), "remade", "split_not_of_its_seed",
    ),
    "a row twice in train": (
        append(TRAIN, TRAIN, 3), "split", "ids_repeated_within_a_split",
    ),
    "a test row in train": (append(TRAIN, TEST, 3), "split", "ids_in_several_splits"),
    "a test row in validation": (
        append(VALIDATION, TEST, 3), "split", "rows_with_verbatim_text_in_another_split",
    ),
    "test rows in train with other punctuation": (
        punctuated_copies, "split", "rows_with_text_in_another_split",
    ),
    "test rows in train with other punctuation, seen by the corpus": (
        punctuated_copies, "raw", "rows_not_in_raw",
    ),
    "labels of two test rows exchanged": (
        plants.swapped(TEST, "labels", 0, 1), "raw", "labels_altered",
    ),
    "a label named twice": (
        edit(TEST, 0, labels=["anger", "anger"]), "raw", "labels_altered",
    ),
    "a label nobody knows": (edit(TEST, 0, labels=["happiness"]), "raw", "labels_altered"),
    "ids of two test rows exchanged": (
        plants.swapped(TEST, "id", 0, 1), "raw", "text_altered",
    ),
    "a test text made easier": (edit(TEST, 0, text="so happy"), "raw", "text_altered"),
    "a duplicate group of one's own": (
        edit(TEST, 0, duplicate_group=10**6), "remade", "split_not_of_its_seed",
    ),
    "a count of rows embellished": (
        reset("metrics/split.json", "near_duplicates", value=7),
        "remade", "split_metrics_not_of_the_rows",
    ),
    # Thinned and balanced rows.
    "a thinned row left out": (drop(THINNED, 3), "remade", "undersampled_not_of_its_seed"),
    "a thinned-away row kept": (
        append(THINNED, TRAIN, 0), "remade", "undersampled_not_of_its_seed",
    ),
    "a test row among the thinned ones": (
        append(THINNED, TEST, 0), "balance", "undersampled_rows_not_in_train",
    ),
    "a synthetic row left out": (one_row_less, "remade", "balanced_not_of_its_seed"),
    "a synthetic row twice": (one_row_twice, "remade", "balanced_not_of_its_seed"),
    "a neighbour from test": (
        edit(ROWS, LAST, neighbour_id="nobody"), "balance", "synthetic_neighbours_not_in_train",
    ),
    "another neighbour of train": (
        edit(ROWS, LAST, neighbour_id="train1"), "remade", "balanced_not_of_its_seed",
    ),
    "another coefficient": (
        edit(ROWS, LAST, t=0.5), "balance", "synthetic_vectors_off_their_segment",
    ),
    "another coefficient, seen by its seed": (
        edit(ROWS, LAST, t=0.5), "remade", "balanced_not_of_its_seed",
    ),
    "another target label": (
        edit(ROWS, LAST, target_label="joy", labels=["joy", "sadness"]),
        "remade", "balanced_not_of_its_seed",
    ),
    "a label added to a synthetic row": (
        edit(ROWS, LAST, labels=["joy", "sadness"]), "remade", "balanced_not_of_its_seed",
    ),
    "a row said to be projected": (
        edit(ROWS, LAST, normalized=True), "balance", "synthetic_vectors_off_their_segment",
    ),
    "an original said to be projected": (
        edit(ROWS, 0, normalized=True), "remade", "balanced_not_of_its_seed",
    ),
    "an original with a target label": (
        edit(ROWS, 0, target_label="joy"), "remade", "balanced_not_of_its_seed",
    ),
    "an original with a seed": (
        edit(ROWS, 0, seed_id="train1"), "remade", "balanced_not_of_its_seed",
    ),
    "a synthetic row said to be real": (
        edit(ROWS, LAST, synthetic=False), "balance", "original_rows_not_in_undersampled",
    ),
    "a synthetic vector moved": (
        move(BALANCED, LAST, 1e-3), "balance", "synthetic_vectors_off_their_segment",
    ),
    "a purity embellished": (
        reset("metrics/balance.json", "purity", value=0.9),
        "remade", "balance_metrics_not_of_the_rows",
    ),
    "a purity of a label embellished": (
        write_in("metrics/plots/purity.csv", "anger,0.1", "anger,0.2"),
        "remade", "balance_metrics_not_of_the_rows",
    ),
    "a count of synthetic rows embellished": (
        reset("metrics/balance.json", "synthetic", value=48),
        "remade", "balance_metrics_not_of_the_rows",
    ),
    "weaker baselines": (
        reset("metrics/baselines.json", "tfidf_macro_f1", value=0.01),
        "remade", "baselines_not_of_the_rows",
    ),
    "a baseline that is not measured": (
        reset("metrics/baselines.json", "human", value=0.5), "remade", "baselines_not_of_the_rows",
    ),
    # The package.
    **{
        f"the package says another {'.'.join(keys)}": (
            packaged(*keys, value=value), "package", "packaged_config_not_of_the_run",
        )
        for keys, value in {
            ("encoder", "pooling"): "last",
            ("encoder", "max_length"): 16,
            ("encoder", "normalize"): True,
            ("encoder", "sha256"): "0" * 64,
            ("encoder", "revision"): "main",
            ("problem_type",): "single_label_classification",
            ("format_version",): 2,
            ("model_type",): "bert",
            ("width",): 31,
            ("classifier", "name"): "mlp",
            ("adapted", "frozen"): True,
            ("adapted", "train_ids_sha256"): "0" * 64,
            ("origin", "profile"): "minilm",
            ("origin", "corpus"): "goemotions",
            ("origin", "protocol"): "official",
            ("provenance", "parameters", "seed"): 1,
            ("provenance", "data", "data/split/test.parquet"): "0" * 64,
            ("label2id", "joy"): 0,
            ("trust_remote_code",): True,
        }.items()
    },
    "two labels of the package exchanged": (
        both(
            packaged("id2label", "0", value="joy"), packaged("id2label", "17", value="admiration")
        ),
        "package", "labels_of_the_model_differ",
    ),
    "another tokenizer, vouched for": (
        another_tokenizer, "package", "packaged_tokenizer_not_of_the_base",
    ),
    "a tokenizer that truncates elsewhere": (
        both(
            reset(f"{PACKAGE}/tokenizer_config.json", "truncation_side", value="left"),
            plants.reseal("tokenizer_config.json"),
        ),
        "package", "packaged_tokenizer_not_of_the_base",
    ),
    "another classifier packaged, vouched for": (
        both(
            plants.weights_scaled(f"{PACKAGE}/classifier.safetensors", 1.1),
            plants.reseal("classifier.safetensors"),
        ),
        "package", "packaged_weights_not_the_trained_ones",
    ),
    "another encoder packaged, vouched for": (
        both(
            plants.weights_scaled(f"{PACKAGE}/encoder.safetensors", 1.1),
            plants.reseal("encoder.safetensors"),
        ),
        "package", "packaged_weights_not_the_trained_ones",
    ),
    "thresholds edited and not vouched for": (
        reset(f"{PACKAGE}/thresholds.json", "global", value=0.1),
        "package", "packaged_files_altered",
    ),
    "a file nobody packaged": (
        plants.written(f"{PACKAGE}/modeling.py", b"print()"), "package",
        "packaged_files_unexpected",
    ),
    "a link among the packaged files": (
        lambda root: (root / PACKAGE / "more.json").symlink_to("config.json"),
        "package", "packaged_files_unexpected",
    ),
    # Numbers.
    "thresholds moved and vouched for": (
        both(
            reset(f"{PACKAGE}/thresholds.json", "per_label", "joy", value=0.123),
            rehash("thresholds.json"),
        ),
        "results", "thresholds_not_from_validation",
    ),
    "a calibration said to be another": (
        both(
            reset(f"{PACKAGE}/calibration.json", "method", value="platt"),
            rehash("calibration.json"),
        ),
        "results", "calibration_not_from_validation",
    ),
    "validation scores of other rows": (
        both(
            reset(f"{PACKAGE}/scores.json", "joy", "train_share", value=0.9),
            rehash("scores.json"),
        ),
        "results", "calibration_not_from_validation",
    ),
    **{
        f"metrics/{name}.json: {key} embellished": (
            reset(f"metrics/{name}.json", key, value=value),
            "results", f"{name}_metrics_not_from_predictions",
        )
        for name, key, value in (
            ("test", "macro_f1", 0.822), ("test", "reference_macro_f1", 0.01), ("test", "ece", 0.0),
            ("test", "map", True), ("validation", "nll", 0.01), ("headline", "macro_f1_low", 0.8),
        )
    },
    **{
        f"metrics/plots/{name}.csv: a figure altered": (
            write_in(f"metrics/plots/{name}.csv", old, new), "results",
            "tables_not_from_predictions",
        )
        for name, old, new in (
            ("per_label", "joy,true,0.", "joy,true,0.9"), ("reliability", "\n2,0.", "\n2,0.9"),
            ("label_counts", "\njoy,", "\njoy,1"), ("thresholds", "\njoy,0.", "\njoy,0.9"),
            ("subsets", "published_composition,", "published_composition,1"),
            ("calibration", "temperature,0.", "temperature,0.0"),
        )
    },
    "a row of a table twice": (
        lambda root: _last_line_twice(root / "metrics/plots/per_label.csv"),
        "results", "tables_not_from_predictions",
    ),
    "a column added to a table": (
        lambda root: _column_added(root / "metrics/plots/subsets.csv"),
        "results", "tables_not_from_predictions",
    ),
    "a card that says more than was measured": (
        write_in(f"{PACKAGE}/README.md", "per-label thresholds | 0.", "per-label thresholds | 0.9"),
        "results", "card_not_from_predictions",
    ),
    "a card without its limits": (
        write_in(f"{PACKAGE}/README.md", "## Limits", "## Strengths"),
        "results", "card_not_from_predictions",
    ),
    "a figure of the card's front matter": (
        write_in(f"{PACKAGE}/README.md", "value: 0.1", "value: 0.9"),
        "results", "card_not_from_predictions",
    ),
    "results for the card embellished": (
        both(
            reset(f"{PACKAGE}/results.json", "test", "macro_f1", value=0.822),
            rehash("results.json"),
        ),
        "results", "card_not_from_predictions",
    ),
}  # fmt: skip
# Compared with what all other parts find, by the whole audit alone.
COUNTS: dict[str, Plant] = {
    "other near-duplicates reported": reset(
        "metrics/leakage.json", "near_duplicates_in_train", value=5000
    ),
    "more rules said to be checked": reset("metrics/leakage.json", "rules", value=99),
    "a card that reports other near-duplicates": both(
        reset(f"{PACKAGE}/results.json", "leakage", "near_duplicates_in_train", value=5000),
        rehash("results.json"),
    ),
}


def _without_last_line(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def _last_line_twice(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]))


def _column_added(path: Path) -> None:
    header, *rows = path.read_text().splitlines()
    path.write_text(
        "".join(f"{line}\n" for line in [f"{header},human", *(f"{r},0.5" for r in rows)])
    )


def put_into_a_group_of_test(root: Path) -> None:
    """A row of train said to be of a conversation of test, in data/raw too."""
    group = files.read_parquet(root / TEST, ["group"])["group"].iloc[0]
    row = files.read_parquet(root / TRAIN, ["id", "group"]).iloc[2]
    edit(TRAIN, 2, group=group)(root)
    old, new = (f"\t{row['id']}\t{name}\t" for name in (row["group"], group))
    write_in("data/raw/train.tsv", old, new)(root)


# Of a corpus with groups, split by time.
OF_GROUPS_AND_TIMES: dict[str, tuple[Plant, str, str]] = {
    "a row of train in a group of test": (
        put_into_a_group_of_test, "split", "rows_with_group_in_another_split",
    ),
    "a group taken off a row": (edit(TRAIN, 2, group=""), "raw", "group_altered"),
    "a row dated back": (
        edit(TEST, 2, time="2020-01-01T00:00:00.000000+00:00"), "raw", "time_altered",
    ),
    "a row of train and a later one of test exchanged": (
        moved_between_splits, "raw", "rows_out_of_time_order",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def grouped_once(tmp_path_factory, tiny_bert, encoder_params) -> Path:
    """A clean workspace of a corpus with groups and times, as far as stage split."""
    root = tmp_path_factory.mktemp("grouped") / "workspace"
    described = {"group": "conversation", "time": "at", "id": "id", "empty": "none"}
    rows = rows_of(labels_of(4, 90))
    write_workspace(root, encoder_params(tiny_bert), rows, **described)
    run_stages(root, fetch, split)
    return root


@pytest.mark.parametrize("name", OF_GROUPS_AND_TIMES)
def test_a_fraud_with_groups_and_times_breaks_its_rule(grouped_once, tmp_path, name):
    plant, part, rule = OF_GROUPS_AND_TIMES[name]
    spoilt = shutil.copytree(grouped_once, tmp_path / "workspace")
    assert check({part: PARTS[part]}, spoilt)["passed"]
    plant(spoilt)
    result = check({part: PARTS[part]}, spoilt)
    assert result["must_be_zero"][rule] >= 1
    assert result["examples"][rule] and not result["passed"]


@pytest.mark.parametrize("column", ["group", "time"])
def test_a_split_that_hides_a_column_of_the_corpus_is_refused(grouped_once, tmp_path, column):
    spoilt = shutil.copytree(grouped_once, tmp_path / "workspace")
    for path in (TRAIN, VALIDATION, TEST):
        rewrite(path, lambda frame: frame.drop(columns=column))(spoilt)
    with pytest.raises(EmotionSlmError, match=f"column '{column}' is missing"):
        check({"raw": PARTS["raw"]}, spoilt)


@pytest.fixture
def spoilt(tmp_path, pooled_once) -> Path:
    """A clean workspace for the test to spoil."""
    return shutil.copytree(pooled_once, tmp_path / "workspace")


@pytest.fixture(scope="module")
def made_again(pooled_once):
    """What evaluation and baselines give again; they depend on no file that a quick plant alters,
    but for the part whose own rules are asked."""
    kept: dict = {}

    def keep(module, name: str):
        function = getattr(module, name)

        def once(*arguments):
            if name not in kept:
                kept[name] = function(*arguments)
            return kept[name]

        return once

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results_module, "gather", keep(results_module, "gather"))
        patch.setattr(remade_module, "_baselines", keep(remade_module, "_baselines"))
        for part in ("results", "remade"):
            assert PARTS[part](pooled_once)["passed"]
        yield


def test_a_clean_workspace_passes(pooled_once):
    result = audit(pooled_once)
    assert result["passed"] and not result["examples"] and "not_checked" not in result
    enforce(result)


@pytest.mark.parametrize("name", FRAUDS)
def test_a_fraud_breaks_its_rule(spoilt, made_again, name):
    plant, part, rule = FRAUDS[name]
    plant(spoilt)
    result = check({part: PARTS[part]}, spoilt)
    assert result["must_be_zero"][rule] >= 1
    assert result["examples"][rule] and not result["passed"]


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_those_found_again(spoilt, made_again, name):
    COUNTS[name](spoilt)
    assert audit(spoilt, strict=False)["must_be_zero"]["leakage_counts_not_found_again"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", FRAUDS)
def test_the_whole_audit_finds_a_fraud_and_goes_on(spoilt, name):
    FRAUDS[name][0](spoilt)
    result = audit(spoilt, strict=False)
    assert not result["passed"]
    with pytest.raises(EmotionSlmError):
        enforce(result)


def retyped(path: str, **columns) -> Plant:
    """Columns of a Parquet file as another type."""
    return rewrite(path, lambda frame: frame.assign(**{c: f(frame) for c, f in columns.items()}))


def without(path: str, column: str) -> Plant:
    return rewrite(path, lambda frame: frame.drop(columns=column))


def without_key(path: str, *keys: str) -> Plant:
    def plant(root: Path) -> None:
        content = files.read_json(root / path)
        section = content
        for key in keys[:-1]:
            section = section[key]
        del section[keys[-1]]
        files.write_json(root / path, content)

    return plant


# A part that reads the file, by file.
READ_BY = {
    "data/raw/test.tsv": "raw", TRAIN: "split", TEST: "split", THINNED: "balance", ROWS: "balance",
    BALANCED: "balance", INDEX: "vectors", EMBEDDED: "vectors",
    "data/embedded/config.json": "vectors", PREDICTED: "evaluation", ADAPTED: "evaluation",
    "models/adapted/encoder.safetensors": "vectors",
    "models/adapted/head.safetensors": "classifier",
    FINETUNED: "classifier", "models/finetuned/classifier.safetensors": "classifier",
    CONFIG: "package", f"{PACKAGE}/tokenizer.json": "package",
    f"{PACKAGE}/tokenizer_config.json": "package", f"{PACKAGE}/thresholds.json": "results",
    f"{PACKAGE}/calibration.json": "results", f"{PACKAGE}/README.md": "results",
    f"{PACKAGE}/scores.json": "results",
    "metrics/params.yaml": "raw", "metrics/split.json": "remade", "metrics/balance.json": "remade",
    "metrics/baselines.json": "remade", "metrics/test.json": "results",
    "metrics/validation.json": "results", "metrics/headline.json": "results",
    "metrics/plots/purity.csv": "remade", "metrics/plots/per_label.csv": "results",
    "metrics/plots/finetune_curve.csv": "classifier",
    "metrics/plots/adapt_curve.csv": "classifier",
}  # fmt: skip
KINDS: dict[str, dict[str, Plant]] = {
    path: {
        "missing": plants.removed(path),
        "a folder in its place": plants.folder_instead(path),
        "empty": plants.written(path, b""),
        "cut off": plants.cut(path),
        "bytes of nothing": plants.written(path, b"\xff\xfe\x00\x80" * 40),
    }
    for path in READ_BY
}
JSON_KINDS = {
    "a list": b"[1]", "null": b"null", "NaN inside": b'{"macro_f1": NaN, "frozen": NaN}',
    "nested too deeply": b'{"a":' * 5000, "no key of its own": b"{}",
    "values of other types": b'{"frozen": "no", "classifier": 3, "files": [], "per_label": []}',
}  # fmt: skip
for path in READ_BY:
    if path.endswith(".json"):
        KINDS[path] |= {kind: plants.written(path, body) for kind, body in JSON_KINDS.items()}
    if path.endswith(".parquet"):
        KINDS[path]["without ids"] = without(path, "id")
        KINDS[path]["ids as numbers"] = retyped(path, id=lambda frame: range(len(frame)))
        KINDS[path]["a row without an id"] = edit(path, 1, id=None)
for path in (TRAIN, TEST, THINNED, ROWS):
    KINDS[path] |= {
        "labels as words": retyped(path, labels=lambda frame: "joy"),
        "labels as numbers": retyped(path, labels=lambda frame: [[1]] * len(frame)),
        "a row without labels": retyped(path, labels=lambda f: [None, *f["labels"][1:]]),
        "a label that is nothing": retyped(path, labels=lambda f: [[None], *f["labels"][1:]]),
    }
for path in (BALANCED, EMBEDDED):
    KINDS[path] |= {
        "pickled objects": plants.pickled(path),
        "a line of numbers": plants.array(path, np.ravel),
        "whole numbers": plants.array(path, lambda vectors: vectors.astype(np.int64)),
        "vectors too short": plants.array(path, lambda vectors: vectors[:, :-1]),
        "a vector too few": plants.array(path, lambda vectors: vectors[:-1]),
    }
KINDS[PREDICTED] |= {
    "a label missing": without(PREDICTED, "joy"),
    "logits as words": retyped(PREDICTED, joy=lambda frame: "1.0"),
    "a column too many": retyped(PREDICTED, human=lambda frame: 1.0),
}
KINDS[ROWS] |= {
    "truth as words": retyped(ROWS, synthetic=lambda frame: "yes"),
    "coefficients as words": retyped(ROWS, t=lambda frame: "0.5"),
}
KINDS[INDEX] |= {"rows as fractions": retyped(INDEX, row=lambda frame: frame["row"] + 0.5)}
KINDS[FINETUNED] |= {
    "a record without a key": without_key(FINETUNED, "trained_on", "data_sha256"),
    "a record of words": trained_on("rows", "all"),
    "a classifier nobody knows": reset(FINETUNED, "classifier", value={"name": "forest"}),
}
KINDS[ADAPTED]["adapters of words"] = reset(ADAPTED, "lora", value={"r": "two"})
KINDS["metrics/params.yaml"] |= {
    "a list": plants.written("metrics/params.yaml", b"- 1\n"),
    "a key nobody knows": lambda root: (root / "metrics/params.yaml").write_text("sed: 1\n"),
}
MALFORMED = {
    f"{path}: {kind}": (path, plant)
    for path, kinds in KINDS.items()
    for kind, plant in kinds.items()
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_named_with_its_remedy(spoilt, made_again, name):
    path, plant = MALFORMED[name]
    part = READ_BY[path]
    plant(spoilt)
    result = check({part: PARTS[part]}, spoilt, strict=False)
    assert not result["passed"]
    if part in result.get("not_checked", {}):
        reason = result["not_checked"][part]
        assert Path(path).name in reason and "its stage does not write" not in reason
        assert any(word in reason for word in ("dvc repro", "fetch", "params.yaml", "stage"))


def test_a_run_made_before_training_rows_were_recorded_is_told_so(spoilt):
    without_key(FINETUNED, "trained_on")(spoilt)
    with pytest.raises(EmotionSlmError, match="made before the rows it learnt from were recorded"):
        audit(spoilt)
    result = audit(spoilt, strict=False)
    assert "run `dvc repro`" in result["not_checked"]["classifier"]
    assert set(result["not_checked"]) == {"classifier"}
