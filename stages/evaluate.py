"""evaluate: calibrate and tune on validation, score test once, audit, plot, package."""

from pathlib import Path

from emotion_slm.audit.audit import audit
from emotion_slm.audit.package import audit_package
from emotion_slm.audit.result import enforce, merged
from emotion_slm.common import paths
from emotion_slm.common.console import console, stage
from emotion_slm.common.files import write_json
from emotion_slm.common.params import Document
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.params import FetchParams, SplitParams
from emotion_slm.evaluation.assess import assess
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.evaluation.tables import test_table
from emotion_slm.package.build import ship
from emotion_slm.package.package import Origin
from emotion_slm.plots.figures import draw


def main() -> None:
    with stage("evaluate") as report:
        document = Document.of_run()
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
