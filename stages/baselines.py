"""baselines: the majority answer and TF-IDF with logistic regression, on the same split."""

from emotion_slm import paths
from emotion_slm.console import progress, stage
from emotion_slm.evaluation.baselines import baselines
from emotion_slm.files import read_parquet, write_json
from emotion_slm.params.baselines import BaselinesParams
from emotion_slm.params.document import Document
from emotion_slm.seeds import child_seed


def main() -> None:
    with stage("baselines") as report:
        document = Document.read()
        params = document.section("baselines", BaselinesParams)
        frames = [
            read_parquet(paths.SPLIT / f"{name}.parquet", ("text", "labels", "duplicate_group"))
            for name in paths.SPLITS
        ]
        with progress("baselines", None):
            metrics = baselines(*frames, params, child_seed(document.seed, "baselines"))
        output = paths.METRICS / "baselines.json"
        write_json(output, metrics)
        tfidf = metrics["tfidf_logistic"]["macro_f1"]
        report(f"TF-IDF macro-F1 {tfidf:.3f} → {output}")


if __name__ == "__main__":
    main()
