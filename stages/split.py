"""split: train, validation and test, before anything looks at the rows."""

from pathlib import Path

from emotion_slm.audit.raw import audit_raw
from emotion_slm.audit.result import enforce, merged
from emotion_slm.audit.split import audit_split
from emotion_slm.common import paths
from emotion_slm.common.console import stage
from emotion_slm.common.files import write_json, write_parquet
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.check import check_splits, refuse
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.corpus.params import SplitParams
from emotion_slm.corpus.split import split, summary
from emotion_slm.corpus.tsv import read_corpus


def main() -> None:
    with stage("split") as report:
        document = Document.of_run()
        params = document.section("split", SplitParams)
        corpus = load_corpus(paths.RAW)
        rows = read_corpus(paths.RAW, corpus)
        splits = split(rows, corpus, params, child_seed(document.seed, "split"))
        refuse(check_splits(splits, corpus.labels))
        for name, frame in splits.frames.items():
            write_parquet(paths.SPLIT / f"{name}.parquet", frame)
        enforce(merged([audit_split(), audit_raw(Path(), params.protocol)]))
        write_json(paths.METRICS / "split.json", summary(splits))
        report(
            f"{sum(map(len, splits.frames.values())):,} rows ({params.protocol}) → {paths.SPLIT}"
        )


if __name__ == "__main__":
    main()
