"""What stage evaluate computes: the trained classifier, and adapt's own head, on held-out rows."""

from typing import NamedTuple

from emotion_slm import paths
from emotion_slm.encoder.adapted import read_adapted
from emotion_slm.evaluation import predictions
from emotion_slm.evaluation.evaluate import Evaluation, Scored, evaluate
from emotion_slm.evaluation.scoring import adapt_head, read_held_out, score
from emotion_slm.model.finetuned import WEIGHTS, load_classifier, read_finetuned
from emotion_slm.params.thresholds import ThresholdParams


class Assessment(NamedTuple):
    """The classifier's evaluation, its scores on both splits, and adapt's head for reference."""

    evaluation: Evaluation
    validation: Scored
    test: Scored
    reference: dict  # test metrics by name; empty when the encoder is frozen


def assess(params: ThresholdParams, seed: int) -> Assessment:
    """Score validation and test, write their raw logits to data/predictions, evaluate them."""
    held_out = [read_held_out(name) for name in ("validation", "test")]
    finetuned = read_finetuned(paths.FINETUNED)
    classifier = load_classifier(finetuned, paths.FINETUNED / WEIGHTS)
    scored = [score(classifier, rows) for rows in held_out]
    for rows, scores in zip(held_out, scored, strict=True):
        predictions.write(paths.PREDICTIONS / f"{rows.split}.parquet", rows.ids, scores.logits)
    reference = {}
    if not read_adapted(paths.ADAPTED).frozen:
        head = adapt_head(finetuned.width)
        by_head = [score(head, rows) for rows in held_out]
        reference["adapt_head"] = evaluate(*by_head, params, seed).test
    return Assessment(evaluate(*scored, params, seed), *scored, reference)
