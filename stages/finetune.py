"""finetune: the classifier learns from the balanced vectors; validation picks the epoch."""

from functools import partial
from pathlib import Path

from emotion_slm.balance.rows import read_balanced
from emotion_slm.classifier.finetune import LabelledVectors, finetune
from emotion_slm.classifier.params import FinetuneParams
from emotion_slm.common import paths
from emotion_slm.common.console import stage
from emotion_slm.common.files import read_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.processes import rank, relaunch
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import CORPUS, load_corpus
from emotion_slm.encoder.adapted import CONFIG, HEAD
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.training.checkpoints import discard, resume_folder
from emotion_slm.training.curve import write_curve
from emotion_slm.training.trainer import summary

INPUTS = (
    paths.BALANCED / "vectors.npy",
    paths.BALANCED / "rows.parquet",
    paths.EMBEDDED / "vectors.npy",
    paths.EMBEDDED / "index.parquet",
    paths.SPLIT / "validation.parquet",
    paths.RAW / CORPUS,
    Path(__file__),
)


def inputs(params: FinetuneParams) -> list[Path]:
    """Every file that the training depends on, the pretrained model's apart."""
    start = [paths.ADAPTED / CONFIG, paths.ADAPTED / HEAD] if params.start == "adapted" else []
    return [*INPUTS, *start, *params.training.launch_files]


def main() -> None:
    with stage("finetune") as report:
        document = Document.of_run()
        params = document.section("finetune", FinetuneParams)
        relaunch(params.training.launch, "stages.finetune")
        pin_threads(document.threads)
        vectors, rows = read_balanced(paths.BALANCED)
        validation = read_parquet(paths.SPLIT / "validation.parquet", ("id", "labels"))
        ids = validation["id"].tolist()
        backbone = getattr(params.classifier, "backbone", None)
        checkpoints = resume_folder("finetune", document, (params,), inputs(params), backbone)
        labels = load_corpus(paths.RAW).labels
        done = finetune(
            LabelledVectors(vectors, labels.to_matrix(rows["labels"]), rows["id"].tolist()),
            LabelledVectors(
                read_vectors(paths.EMBEDDED, ids), labels.to_matrix(validation["labels"]), ids
            ),
            labels,
            params,
            child_seed(document.seed, "finetune"),
            paths.FINETUNED,
            checkpoints,
            paths.ADAPTED,
            partial(write_curve, paths.PLOTS / "finetune_curve.csv"),
        )
        if rank() == 0:
            discard(checkpoints)
        report(summary(done, len(rows), params.training, paths.FINETUNED))


if __name__ == "__main__":
    main()
