"""evaluate: calibrate and tune on validation, score test once, audit, then package and report.

Metrics are written last: a run that leaks leaves none behind.
"""

from emotion_slm.audit.leaks import LEAKS, check
from emotion_slm.audit.result import counts, enforce
from emotion_slm.common import paths
from emotion_slm.common.console import console, stage
from emotion_slm.common.files import write_json
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.labels import load_corpus
from emotion_slm.evaluation import predictions, results
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.evaluation.tables import metrics_screen
from emotion_slm.package.build import build_package, origin_of, validation_scores
from emotion_slm.plots.evaluation import draw


def main() -> None:
    with stage("evaluate") as report:
        document = Document.of_run()
        pin_threads(document.threads)
        thresholds = document.section("evaluate", EvaluateParams).thresholds
        origin, corpus = origin_of(document), load_corpus(paths.RAW)
        seed = child_seed(document.seed, "evaluate")

        rows = [predictions.read_held_out(split) for split in predictions.HELD_OUT]
        validation, test = predictions.predict(rows)
        for split, part, scored in zip(predictions.HELD_OUT, rows, (validation, test), strict=True):
            predictions.write(predictions.path_of(split), part.ids, scored.logits, corpus.labels)
        reference = predictions.predict_by_adapted_head(rows)
        found = results.gather(validation, test, reference, thresholds, seed)

        leakage = check(LEAKS)
        enforce(leakage)
        scores = validation_scores(found.evaluation, validation)
        build_package(origin, document, found.evaluation, scores, counts(leakage))
        draw(found.evaluation, validation, test, corpus.caption)
        write_json(paths.METRICS / "leakage.json", counts(leakage))
        results.write(found)
        numbers, labels = found.numbers["test"], found.tables["per_label"]
        console.print(metrics_screen(numbers, labels, origin[0], origin[2], corpus.caption))
        report(f"test macro-F1 {numbers['macro_f1']:.3f} → {paths.METRICS}, {paths.CLASSIFIER}")


if __name__ == "__main__":
    main()
