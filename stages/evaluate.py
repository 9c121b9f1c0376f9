"""evaluate: calibrate and tune on validation, score test once, audit, plot, package."""

from emotion_slm import paths
from emotion_slm.console import console, stage
from emotion_slm.encoder.adapted import ENCODER, read_adapted
from emotion_slm.evaluation import predictions
from emotion_slm.evaluation.evaluate import evaluate
from emotion_slm.evaluation.figures import draw
from emotion_slm.evaluation.leakage import audit
from emotion_slm.evaluation.leakage_result import enforce
from emotion_slm.evaluation.report import test_table
from emotion_slm.evaluation.scoring import adapt_head, read_held_out, score
from emotion_slm.files import write_bytes, write_json
from emotion_slm.model.card import model_card
from emotion_slm.model.finetuned import WEIGHTS, load_classifier, read_finetuned
from emotion_slm.model.package import CALIBRATION, THRESHOLDS, Origin, Package, write_package
from emotion_slm.params.document import Document
from emotion_slm.params.encoder import EncoderParams
from emotion_slm.params.evaluate import EvaluateParams
from emotion_slm.params.fetch import FetchParams
from emotion_slm.params.split import SplitParams
from emotion_slm.seeds import child_seed
from emotion_slm.threads import pin_threads


def main() -> None:
    with stage("evaluate") as report:
        document = Document.read()
        pin_threads(document.threads)
        params = document.section("evaluate", EvaluateParams).thresholds
        encoder = document.section("encoder", EncoderParams)
        origin = Origin(
            profile=document.profile,
            corpus=document.section("fetch", FetchParams).corpus,
            protocol=document.section("split", SplitParams).protocol,
        )
        seed = child_seed(document.seed, "evaluate")

        rows = {name: read_held_out(name) for name in ("validation", "test")}
        finetuned = read_finetuned(paths.FINETUNED)
        classifier = load_classifier(finetuned, paths.FINETUNED / WEIGHTS)
        scored = {name: score(classifier, rows[name]) for name in rows}
        for name in rows:
            path = paths.PREDICTIONS / f"{name}.parquet"
            predictions.write(path, rows[name].ids, scored[name].logits)
        result = evaluate(scored["validation"], scored["test"], params, seed)

        adapted = read_adapted(paths.ADAPTED)
        reference = {}
        if not adapted.frozen:
            head = adapt_head(finetuned.width)
            by_head = [score(head, rows[name]) for name in ("validation", "test")]
            reference = {"reference": {"adapt_head": evaluate(*by_head, params, seed).test}}
        test = {**origin._asdict(), **result.test, **reference}
        write_json(paths.METRICS / "test.json", test)
        write_json(paths.METRICS / "validation.json", {**origin._asdict(), **result.validation})

        leakage = audit()
        write_json(paths.METRICS / "leakage.json", leakage)
        enforce(leakage)

        draw(test, scored["test"], result.calibration.apply(scored["test"].logits))
        package = Package(paths.CLASSIFIER, encoder, adapted, finetuned, origin)
        parts = {
            CALIBRATION: result.calibration.to_dict(),
            THRESHOLDS: result.thresholds.to_dict(),
        }
        weights = (paths.ADAPTED / ENCODER, paths.FINETUNED / WEIGHTS)
        write_package(package, *weights, parts)
        card = model_card(origin, encoder.id, test, leakage["passed"])
        write_bytes(paths.CLASSIFIER / "README.md", card.encode())
        console.print(test_table(test))
        report(f"test macro-F1 {test['macro_f1']:.3f} → {paths.METRICS}, {paths.CLASSIFIER}")


if __name__ == "__main__":
    main()
