"""Leak audit of models/adapted and data/predictions: who was trained on, who scored whom."""

from pathlib import Path

from emotion_slm.audit.ranking_gap import ranking_gap
from emotion_slm.audit.result import result
from emotion_slm.common import files
from emotion_slm.common.paths import ADAPTED, SPLIT
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.corpus.labels import to_matrix
from emotion_slm.evaluation import predictions
from emotion_slm.evaluation.evaluate import Scored
from emotion_slm.evaluation.predictions import HELD_OUT, path_of

# A model that saw neither split passes five standard deviations about once in millions of runs.
MOST_DEVIATIONS = 5.0
GAP_SEED = 0


def audit_evaluation(root: Path = Path()) -> dict:
    """Check which rows the encoder was adapted on, and the rows of the prediction files.

    The logits must not rank test far better than validation: those of an encoder that saw test do,
    whatever its config says.
    """
    config = files.read_json(root / ADAPTED / "config.json")
    frozen = config.get("frozen") is True
    offenders = {"adapted_encoder_saw_other_rows": []}
    if not frozen:
        seen = config.get("train_ids_sha256")
        train = files.read_parquet(root / SPLIT / "train.parquet", ["id"])["id"]
        if seen != files.sha256_lines(train.tolist()):
            offenders["adapted_encoder_saw_other_rows"] = [f"train_ids_sha256 {seen}"]
    for split in HELD_OUT:
        frame = predictions.read_frame(path_of(split, root))
        for problem, ids in predictions.problems(frame, _rows(root, split)["id"]).items():
            offenders[f"{split}_predictions_{problem.replace(' ', '_')}"] = ids
    findings = {"encoder_frozen": frozen}
    scored = read_scored(root)
    if scored is not None:
        gap = ranking_gap(*scored, GAP_SEED)
        offenders["test_ranked_far_above_validation"] = (
            ["average precision"] if gap.deviations > MOST_DEVIATIONS else []
        )
        findings["macro_average_precision"] = {
            name: round(value, DECIMALS) for name, value in gap._asdict().items()
        }
    return result(offenders, findings)


def read_scored(root: Path) -> tuple[Scored, Scored] | None:
    """Validation and test from data/predictions; None when their rows are not those of the split.

    That breaks rules of its own, and no number can be recomputed.
    """
    scored = []
    for split in HELD_OUT:
        path, rows = path_of(split, root), _rows(root, split)
        if any(predictions.problems(predictions.read_frame(path), rows["id"]).values()):
            return None
        groups = rows["duplicate_group"].to_numpy()
        scored.append(Scored(predictions.read(path, rows["id"]), to_matrix(rows["labels"]), groups))
    return scored[0], scored[1]


def _rows(root: Path, split: str):
    columns = ("id", "labels", "duplicate_group")
    return files.read_parquet(root / SPLIT / f"{split}.parquet", columns)
