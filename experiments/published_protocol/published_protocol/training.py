"""Stage training: a classifier per arm and seed → predictions/ and curves.csv."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from goemotions import GOEMOTIONS, to_matrix
from scipy.special import expit

from emotion_slm.balance.rows import read_balanced
from emotion_slm.classifier.finetune import LabelledVectors, finetune
from emotion_slm.classifier.finetuned import WEIGHTS, load_classifier, logits, read_finetuned
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common import paths
from emotion_slm.common.files import read_parquet, write_array
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.training.curve import Epoch
from published_protocol import parameters
from published_protocol.layout import ARMS, CURVES, predictions, workspace


def train_and_predict(arm: str, seed: int, params: FinetuneParams) -> list[Epoch]:
    """Train on the workspace's balanced rows; keep the epoch validation prefers; predict."""
    root = workspace(arm, seed)
    vectors, rows = read_balanced(root / paths.BALANCED)
    held_out = {name: _labelled(root, name) for name in ("validation", "test")}
    with TemporaryDirectory() as scratch:
        output = Path(scratch) / "finetuned"
        done = finetune(
            LabelledVectors(vectors, to_matrix(rows["labels"]), rows["id"].tolist()),
            held_out["validation"],
            GOEMOTIONS,
            params,
            child_seed(seed, "finetune"),
            output,
            Path(scratch) / "checkpoints",
        )
        model = load_classifier(read_finetuned(output), output / WEIGHTS)
    for name, data in held_out.items():
        write_array(predictions(arm, seed, name), expit(logits(model, data.vectors).astype(float)))
    return done.curve


def _labelled(root: Path, name: str) -> LabelledVectors:
    frame = read_parquet(root / paths.SPLIT / f"{name}.parquet", ("id", "labels"))
    vectors = read_vectors(root / paths.EMBEDDED, frame["id"])
    return LabelledVectors(vectors, to_matrix(frame["labels"]), frame["id"].tolist())


def main() -> None:
    content = parameters.read()
    pin_threads(content["threads"])
    params = parameters.section("finetune", FinetuneParams)
    lines = []
    for seed in content["seeds"]:
        for arm in ARMS:
            curve = train_and_predict(arm, seed, params)
            lines += [{"arm": arm, "seed": seed, **epoch._asdict()} for epoch in curve]
            print(arm, seed, f"{curve[-1].validation_macro_f1:.3f}", flush=True)
    pd.DataFrame(lines).to_csv(CURVES, index=False, float_format="%.6f", lineterminator="\n")


if __name__ == "__main__":
    main()
