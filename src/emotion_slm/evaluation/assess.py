"""What stage evaluate computes: the trained classifier, and adapt's own head, on held-out rows."""

from typing import NamedTuple

from emotion_slm import paths
from emotion_slm.encoder.adapted import read_adapted
from emotion_slm.encoder.adapted_head import load_adapted_head
from emotion_slm.evaluation import predictions, views
from emotion_slm.evaluation.evaluate import Evaluation, Scored, evaluate
from emotion_slm.evaluation.scoring import HeldOut, read_held_out, score
from emotion_slm.files import read_parquet
from emotion_slm.model.finetuned import WEIGHTS, load_classifier, read_finetuned
from emotion_slm.params.thresholds import ThresholdParams
from emotion_slm.seeds import child_seed


class Assessment(NamedTuple):
    """The classifier's evaluation, its scores, and what test.json holds beside them."""

    evaluation: Evaluation
    validation: Scored
    test: Scored
    views: dict  # headline metrics of some of test's rows, by view
    reference: dict  # test metrics by name; empty when the encoder is frozen


def assess(params: ThresholdParams, seed: int) -> Assessment:
    """Score validation and test, write their raw logits to data/predictions, evaluate these files.

    EmotionSlmError when a prediction file does not hold exactly the split's ids, the 28 labels and
    finite logits.
    """
    held_out = [read_held_out(name) for name in ("validation", "test")]
    finetuned = read_finetuned(paths.FINETUNED)
    classifier = load_classifier(finetuned, paths.FINETUNED / WEIGHTS)
    for rows in held_out:
        logits = score(classifier, rows).logits
        predictions.write(paths.PREDICTIONS / f"{rows.split}.parquet", rows.ids, logits)
    scored = [_read_scored(rows) for rows in held_out]
    evaluation = evaluate(*scored, params, seed)
    reference = {}
    if not read_adapted(paths.ADAPTED).frozen:
        head = load_adapted_head(paths.ADAPTED, finetuned.width)
        by_head = [score(head, rows) for rows in held_out]
        reference["adapt_head"] = evaluate(*by_head, params, seed).test
    return Assessment(evaluation, *scored, _views(evaluation, scored[1], seed), reference)


def _read_scored(rows: HeldOut) -> Scored:
    logits = predictions.read(paths.PREDICTIONS / f"{rows.split}.parquet", rows.ids)
    return Scored(logits, rows.gold, rows.groups)


def _views(evaluation: Evaluation, test: Scored, seed: int) -> dict:
    train_texts, texts = (
        read_parquet(paths.SPLIT / f"{name}.parquet", ("text",))["text"]
        for name in ("train", "test")
    )
    rows = views.masks(test.gold, texts, train_texts, child_seed(seed, "views"))
    return views.measure(
        rows,
        test.gold,
        evaluation.calibration.apply(test.logits),
        evaluation.thresholds.per_label,
        test.logits,
    )
