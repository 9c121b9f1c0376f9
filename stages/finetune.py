"""finetune: the classifier learns from the balanced vectors; validation picks the epoch."""

from emotion_slm import paths
from emotion_slm.balance.rows import read_balanced
from emotion_slm.console import stage
from emotion_slm.encoder.vectors import read_vectors
from emotion_slm.files import read_parquet
from emotion_slm.labels import to_matrix
from emotion_slm.model.finetune import finetune
from emotion_slm.params.document import Document
from emotion_slm.params.finetune import FinetuneParams
from emotion_slm.seeds import child_seed
from emotion_slm.threads import pin_threads
from emotion_slm.training.checkpoints import discard, resume_folder
from emotion_slm.training.curve import best, write_curve


def main() -> None:
    with stage("finetune") as report:
        document = Document.read()
        pin_threads(document.threads)
        params = document.section("finetune", FinetuneParams)
        vectors, rows = read_balanced(paths.BALANCED)
        validation = read_parquet(paths.SPLIT / "validation.parquet", ("id", "labels"))
        inputs = [
            paths.BALANCED / "vectors.npy",
            paths.BALANCED / "rows.parquet",
            paths.EMBEDDED / "vectors.npy",
            paths.EMBEDDED / "index.parquet",
            paths.SPLIT / "validation.parquet",
        ]
        checkpoints = resume_folder("finetune", document, (params,), inputs)
        curve = finetune(
            vectors,
            to_matrix(rows["labels"]),
            read_vectors(paths.EMBEDDED, validation["id"]),
            to_matrix(validation["labels"]),
            params,
            child_seed(document.seed, "finetune"),
            paths.FINETUNED,
            checkpoints,
        )
        write_curve(paths.PLOTS / "finetune_curve.csv", curve)
        discard(checkpoints)
        kept = best(curve, params.training.selection)
        report(
            f"{len(rows):,} rows, epoch {kept.epoch} of {len(curve)} kept, validation mAP "
            f"{kept.validation_map:.3f} → {paths.FINETUNED}"
        )


if __name__ == "__main__":
    main()
