"""evaluate: calibrate and tune on validation, score test once, audit, plot, package."""

from pathlib import Path

from emotion_slm import paths
from emotion_slm.console import console, stage
from emotion_slm.evaluation.assess import assess
from emotion_slm.evaluation.figures import draw
from emotion_slm.evaluation.leakage import audit
from emotion_slm.evaluation.leakage_package import audit_package
from emotion_slm.evaluation.leakage_result import enforce, merged
from emotion_slm.evaluation.report import test_table
from emotion_slm.files import write_json
from emotion_slm.model.package import Origin
from emotion_slm.model.shipping import ship
from emotion_slm.params.document import Document
from emotion_slm.params.evaluate import EvaluateParams
from emotion_slm.params.fetch import FetchParams
from emotion_slm.params.split import SplitParams
from emotion_slm.seeds import child_seed
from emotion_slm.threads import pin_threads


def main() -> None:
    with stage("evaluate") as report:
        document = Document.read()
        pin_threads(document.threads)
        thresholds = document.section("evaluate", EvaluateParams).thresholds
        corpus = document.section("fetch", FetchParams).corpus
        protocol = document.section("split", SplitParams).protocol
        origin = Origin(document.profile, corpus, protocol)
        seed = child_seed(document.seed, "evaluate")

        assessment = assess(thresholds, seed)
        result = assessment.evaluation
        extra = {"views": assessment.views, "reference": assessment.reference}
        test = {**origin._asdict(), **result.test, **extra}
        write_json(paths.METRICS / "test.json", test)
        write_json(paths.METRICS / "validation.json", {**origin._asdict(), **result.validation})
        leakage = audit(without=("package",))
        write_json(paths.METRICS / "leakage.json", leakage)
        enforce(leakage)  # before anything is packaged

        draw(test, assessment)
        ship(origin, document, result, test, leakage)
        leakage = merged([leakage, audit_package(Path(), origin, thresholds, seed)])
        write_json(paths.METRICS / "leakage.json", leakage)
        enforce(leakage)
        console.print(test_table(test))
        report(f"test macro-F1 {test['macro_f1']:.3f} → {paths.METRICS}, {paths.CLASSIFIER}")


if __name__ == "__main__":
    main()
