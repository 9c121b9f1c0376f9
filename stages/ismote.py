"""ismote: grow train's rare labels in embedding space; validation and test are never read."""

from emotion_slm import paths
from emotion_slm.balance.grow import grow, keep
from emotion_slm.balance.rows import write_balanced
from emotion_slm.console import progress, stage
from emotion_slm.encoder.vectors import check_normalization, read_vectors
from emotion_slm.evaluation.leakage_balance import audit_balance
from emotion_slm.evaluation.leakage_result import enforce
from emotion_slm.files import read_parquet, write_json
from emotion_slm.params.document import Document
from emotion_slm.params.ismote import IsmoteParams
from emotion_slm.seeds import child_seed
from emotion_slm.threads import pin_threads


def main() -> None:
    with stage("ismote") as report:
        document = Document.read()
        pin_threads(document.threads)
        train = read_parquet(paths.UNDERSAMPLED / "train.parquet", ("id", "labels"))
        vectors = read_vectors(paths.EMBEDDED, train["id"])
        if document.is_none("ismote"):
            balanced, rows, summary = keep(vectors, train)
        else:
            params = document.section("ismote", IsmoteParams)
            check_normalization(paths.EMBEDDED, params.normalize)
            seed = child_seed(document.seed, "ismote")
            with progress("ISMOTE", None):
                balanced, rows, summary = grow(vectors, train, params, seed)
        write_balanced(paths.BALANCED, balanced, rows)
        write_json(paths.METRICS / "balance.json", summary)
        enforce(audit_balance())
        report(f"{len(train):,} train + {len(rows) - len(train):,} synthetic → {paths.BALANCED}")


if __name__ == "__main__":
    main()
