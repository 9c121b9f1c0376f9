"""Stage crossfit: encoders that did not see a part of train, and the vectors they give.

An adapted encoder has memorised the rows it was trained on: a head learns from vectors that are
tidier than any it will meet. Here train is cut into folds, an encoder is adapted without each of
them, and every text is embedded by every encoder.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from goemotions import GOEMOTIONS, to_matrix

from balance_ablation.corpus import read_splits
from balance_ablation.embed import embed_to
from balance_ablation.params import read_encoder, read_params
from balance_ablation.places import CROSSFIT, FOLDS
from emotion_slm.common.console import stage
from emotion_slm.common.files import write_parquet
from emotion_slm.common.folds import assign
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.adapt import adapt
from emotion_slm.encoder.adapted import ENCODER, read_adapted


def main() -> None:
    with stage("crossfit") as report:
        params = read_params()
        pin_threads(params.threads)
        crossfit = params.crossfit
        encoder = read_encoder(params)
        training = params.adapt.training.model_copy(update={"epochs": crossfit.epochs})
        adaptation = params.adapt.model_copy(update={"training": training})
        splits = read_splits()
        train = splits["train"]
        fold = assign(
            to_matrix(train["labels"]),
            np.arange(len(train))[:, None],
            crossfit.folds,
            child_seed(crossfit.seed, "folds"),
            train["duplicate_group"].to_numpy(),
        )
        for held_out in range(crossfit.folds):
            folder = CROSSFIT / str(held_out)
            seed = child_seed(crossfit.seed, f"encoder {held_out}")
            with TemporaryDirectory() as checkpoints:
                adapt(
                    train[fold != held_out].reset_index(drop=True),
                    splits["validation"],
                    GOEMOTIONS,
                    encoder,
                    adaptation,
                    seed,
                    folder / "encoder",
                    Path(checkpoints),
                )
            weights = folder / "encoder" / ENCODER
            embed_to(folder, splits.values(), encoder, read_adapted(weights.parent), weights)
        write_parquet(FOLDS, train[["id"]].assign(fold=fold))
        report(f"{crossfit.folds} encoders and their vectors → {CROSSFIT}")


if __name__ == "__main__":
    main()
