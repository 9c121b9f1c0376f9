"""baselines: the majority answer and TF-IDF with logistic regression, on the same split."""

from emotion_slm.common import paths
from emotion_slm.common.console import progress, stage
from emotion_slm.common.files import read_parquet, write_json
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.evaluation.baselines import baselines
from emotion_slm.evaluation.params import BaselinesParams


def main() -> None:
    with stage("baselines") as report:
        document = Document.of_run()
        params = document.section("baselines", BaselinesParams)
        frames = [
            read_parquet(paths.SPLIT / f"{name}.parquet", ("text", "labels", "duplicate_group"))
            for name in paths.SPLITS
        ]
        labels = load_corpus(paths.RAW).labels
        with progress("baselines", None):
            metrics = baselines(*frames, labels, params, child_seed(document.seed, "baselines"))
        output = paths.METRICS / "baselines.json"
        write_json(output, metrics)
        report(f"TF-IDF macro-F1 {metrics['tfidf_macro_f1']:.3f} → {output}")


if __name__ == "__main__":
    main()
