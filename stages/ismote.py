"""ismote: grow train's rare labels in embedding space.

Validation vectors are read for the picture and neighbour purity only, when the balanced rows are
written and audited; no vector of test is read.
"""

from emotion_slm.audit.balance import audit_balance
from emotion_slm.audit.result import enforce
from emotion_slm.balance.grow import as_ismote, grow, keep
from emotion_slm.balance.params import IsmoteParams
from emotion_slm.balance.purity import COLUMNS, mean_purity, neighbour_purity, probes
from emotion_slm.balance.rows import write_balanced
from emotion_slm.common import paths
from emotion_slm.common.console import progress, stage
from emotion_slm.common.files import read_parquet, write_csv, write_json
from emotion_slm.common.params import Document
from emotion_slm.common.ranking import DECIMALS
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.encoder.vectors import check_normalization, read_vectors
from emotion_slm.plots.balance import draw


def main() -> None:
    with stage("ismote") as report:
        document = Document.of_run()
        pin_threads(document.threads)
        seed, corpus = child_seed(document.seed, "ismote"), load_corpus(paths.RAW)
        labels = corpus.labels
        train = read_parquet(paths.UNDERSAMPLED / "train.parquet", ("id", "labels"))
        vectors = read_vectors(paths.EMBEDDED, train["id"])
        if document.is_none("ismote"):
            params = None
            balanced, rows, summary = keep(vectors, train, labels)
        else:
            params = document.section("ismote", IsmoteParams)
            check_normalization(paths.EMBEDDED, params.normalize)
            with progress("ISMOTE", None):
                balanced, rows, summary = grow(vectors, train, labels, params, seed)
        write_balanced(paths.BALANCED, balanced, rows)
        enforce(audit_balance())

        shown = as_ismote((balanced, rows), vectors, train, labels, params, seed)
        compared = probes(*shown, labels, child_seed(seed, "probes"))
        validation = read_parquet(paths.SPLIT / "validation.parquet", ("id", "labels"))
        unseen, gold = (
            read_vectors(paths.EMBEDDED, validation["id"]),
            labels.to_matrix(validation["labels"]),
        )
        purity = neighbour_purity(compared, labels, unseen, gold)
        draw(compared, unseen, gold, purity, corpus)
        write_csv(paths.PLOTS / "purity.csv", COLUMNS, purity)
        of_ismote = mean_purity(purity, "ismote")
        if of_ismote is not None:
            summary["purity"] = round(of_ismote, DECIMALS)
        write_json(paths.METRICS / "balance.json", summary)
        report(f"{len(train):,} train + {len(rows) - len(train):,} synthetic → {paths.BALANCED}")


if __name__ == "__main__":
    main()
