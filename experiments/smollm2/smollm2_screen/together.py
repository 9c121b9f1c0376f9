"""Do two models know different things? On validation: each, and the mean of their probabilities.

    python -m smollm2_screen.together WORKSPACE WORKSPACE

Workspaces with the same split, in which stage adapt has run with one encoder and another. One
thread; texts per second are of one model after the other. together.csv; test is not read.
"""

import sys
from contextlib import chdir
from pathlib import Path

import numpy as np
from scipy.special import expit, logit

from emotion_slm.common.files import write_csv
from emotion_slm.common.params import Document
from emotion_slm.common.ranking import mean_average_precision
from emotion_slm.common.threads import pin_threads
from emotion_slm.evaluation.evaluate import Scored, cross_validated_macro_f1, decide
from emotion_slm.evaluation.params import EvaluateParams, ThresholdParams
from smollm2_screen.official import score

RESULTS = Path("together.csv")
COLUMNS = ("model", "map", "macro_f1", "nll", "texts_per_second")
SEED = 0


def mean_of(first: Scored, second: Scored, params: ThresholdParams) -> Scored:
    """Logits of the mean of both's calibrated probabilities, which are cross-fitted."""
    fitted = [decide(one, params, SEED).choice.cross_fitted for one in (first, second)]
    mean = np.clip(np.mean(fitted, axis=0), 1e-6, 1 - 1e-6)
    return first._replace(logits=logit(mean))


def row(name: str, scored: Scored, params: ThresholdParams, speed: float | None) -> dict:
    """What validation says of a model; macro-F1 is cross-validated."""
    choice = decide(scored, params, SEED).choice
    f1 = cross_validated_macro_f1(scored.logits, scored.gold, choice, params)
    return {
        "model": name,
        "map": f"{mean_average_precision(scored.gold, expit(scored.logits)):.4f}",
        "macro_f1": f"{f1:.4f}",
        "nll": f"{min(choice.nll.values()):.5f}",
        "texts_per_second": "" if speed is None else f"{speed:.1f}",
    }


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m smollm2_screen.together WORKSPACE WORKSPACE")
    pin_threads(1)
    scored, rows = [], []
    for folder in sys.argv[1:]:
        with chdir(folder):
            document = Document.read()
            (part,), speed = score(document, ("validation",))
            params = document.section("evaluate", EvaluateParams).thresholds
        scored.append(part)
        rows.append(row(document.profile, part, params, speed))
    rows.append(row("both", mean_of(*scored, params), params, None))
    write_csv(RESULTS, COLUMNS, rows)


if __name__ == "__main__":
    main()
