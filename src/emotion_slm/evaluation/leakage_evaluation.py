"""Leak audit of models/adapted and data/predictions: who was trained on, who was scored."""

from pathlib import Path

from emotion_slm import files
from emotion_slm.evaluation import predictions
from emotion_slm.evaluation.leakage_result import result
from emotion_slm.paths import ADAPTED, PREDICTIONS, SPLIT


def audit_evaluation(root: Path = Path()) -> dict:
    """Check which rows the encoder was adapted on, and the rows of the prediction files."""
    config = files.read_json(root / ADAPTED / "config.json")
    frozen = config.get("frozen") is True
    offenders = {"adapted_encoder_saw_other_rows": []}
    if not frozen:
        seen = config.get("train_ids_sha256")
        if seen != files.sha256_lines(_ids(root, "train")):
            offenders["adapted_encoder_saw_other_rows"] = [f"train_ids_sha256 {seen}"]
    for split in ("validation", "test"):
        frame = predictions.read_frame(root / PREDICTIONS / f"{split}.parquet")
        for problem, ids in predictions.problems(frame, _ids(root, split)).items():
            offenders[f"{split}_predictions_{problem.replace(' ', '_')}"] = ids
    return result(offenders, {"encoder_frozen": frozen})


def _ids(root: Path, split: str) -> list[str]:
    return files.read_parquet(root / SPLIT / f"{split}.parquet", ["id"])["id"].tolist()
