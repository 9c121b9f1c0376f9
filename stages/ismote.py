"""ismote: grow train's rare labels in embedding space.

Validation vectors are read for pictures and neighbour purity only, when the balanced rows are
written and audited; no vector of test is read.
"""

from emotion_slm.audit.balance import audit_balance
from emotion_slm.audit.result import enforce
from emotion_slm.balance.grow import grow, keep
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.balance.rows import write_balanced
from emotion_slm.common import paths
from emotion_slm.common.console import progress, stage
from emotion_slm.common.files import read_parquet, write_json
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.params import FetchParams
from emotion_slm.encoder.vectors import check_normalization, read_vectors
from emotion_slm.plots.balance import gather


def main() -> None:
    with stage("ismote") as report:
        document = Document.of_run()
        pin_threads(document.threads)
        seed = child_seed(document.seed, "ismote")
        train = read_parquet(paths.UNDERSAMPLED / "train.parquet", ("id", "labels"))
        vectors = read_vectors(paths.EMBEDDED, train["id"])
        if document.is_none("ismote"):
            params = None
            balanced, rows, summary = keep(vectors, train)
        else:
            params = document.section("ismote", IsmoteParams)
            check_normalization(paths.EMBEDDED, params.normalize)
            with progress("ISMOTE", None):
                balanced, rows, summary = grow(vectors, train, params, seed)
        write_balanced(paths.BALANCED, balanced, rows)
        enforce(audit_balance())

        # Whatever the profile grows with, ISMOTE is what is compared with SMOTE.
        shown = balanced, rows
        if params is not None and params.expansion != "segment":
            as_ismote = params.model_copy(update={"expansion": "segment"})
            shown = grow(vectors, train, as_ismote, seed)[:2]
        corpus = document.section("fetch", FetchParams).corpus
        summary["neighbour_purity"] = gather(*shown, summary["per_label"], seed, corpus)
        write_json(paths.METRICS / "balance.json", summary)
        report(f"{len(train):,} train + {len(rows) - len(train):,} synthetic → {paths.BALANCED}")


if __name__ == "__main__":
    main()
