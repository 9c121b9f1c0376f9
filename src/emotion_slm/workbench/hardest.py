"""The test rows the classifier got most wrong, with their texts."""

from typing import NamedTuple

import numpy as np

from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, read_parquet, require
from emotion_slm.common.ranking import most_probable
from emotion_slm.corpus.labels import CORPUS, LabelSet, load_corpus

ROWS = 50
TEXTS = paths.SPLIT / "test.parquet"
LOGITS = paths.PREDICTIONS / "test.parquet"
CALIBRATION = paths.CLASSIFIER / "calibration.json"
THRESHOLDS = paths.CLASSIFIER / "thresholds.json"
NEEDED = (paths.RAW / CORPUS, TEXTS, LOGITS, CALIBRATION)
LIKELIEST = 3  # labels shown whether or not they are gold or predicted
SMALLEST = 1e-6  # keeps the loss of a certain and wrong probability finite
# The same counts give the same macro-F1; metrics files hold six decimals.
SAME = 2e-6


class Verdict(NamedTuple):
    """One label of a row: `kind` is right, missed, wrong or neither."""

    label: str
    probability: float
    kind: str


class HardRow(NamedTuple):
    """A row, the labels that matter on it, likeliest first, and its loss."""

    id: str
    text: str
    verdicts: list[Verdict]
    loss: float


class Hardest(NamedTuple):
    """Rows, hardest first, or why there are none."""

    rows: list[HardRow]
    absent: str


def hardest(test_macro_f1: float, count: int = ROWS) -> Hardest:
    """The `count` test rows with the largest mean cross-entropy over the labels, or of their one.

    Probabilities are calibrated and labels predicted as in metrics/test.json; `test_macro_f1` is
    its macro-F1: files of another run, which give another, are not shown. EmotionSlmError when a
    file is unreadable or the rows of two do not match.
    """
    try:
        for path in NEEDED:
            require(path)
        labels = load_corpus(paths.RAW).labels
        if not labels.single:
            require(THRESHOLDS)
    except EmotionSlmError as missing:
        return Hardest([], f"The texts and scores are not here. {missing}.")
    # Not sooner: a report without data need not wait for torch.
    from emotion_slm.calibration.choice import Calibration
    from emotion_slm.calibration.thresholds import Thresholds
    from emotion_slm.evaluation import predictions

    frame = read_parquet(TEXTS, ("id", "text", "labels"))
    gold = labels.to_matrix(frame["labels"])
    logits = predictions.read(LOGITS, frame["id"].tolist(), labels)
    fitted = read_json(CALIBRATION), labels.names, str(CALIBRATION), labels.single
    probabilities = Calibration.from_dict(*fitted).apply(logits)
    if labels.single:
        predicted = most_probable(probabilities)
    else:
        tuned = Thresholds.from_dict(read_json(THRESHOLDS), labels.names, str(THRESHOLDS))
        predicted = probabilities >= tuned.per_label
    if abs(_macro_f1(gold, predicted) - test_macro_f1) > SAME:
        return Hardest(
            [],
            f"{LOGITS} and models/classifier are of another run than metrics/test.json: "
            "`dvc checkout` brings back those of this commit.",
        )
    loss = _cross_entropy(gold, probabilities, labels.single)
    worst = np.argsort(-loss, kind="stable")[:count]
    return Hardest(
        [
            HardRow(
                id=frame["id"][row],
                text=frame["text"][row],
                verdicts=_verdicts(labels, gold[row] > 0, predicted[row], probabilities[row]),
                loss=float(loss[row]),
            )
            for row in worst
        ],
        "",
    )


def _cross_entropy(gold: np.ndarray, probabilities: np.ndarray, single: bool) -> np.ndarray:
    """(n,) mean over the labels of −log of the probability given to what is true; of `single`, −log
    of that given to the row's label."""
    if single:
        return -np.log(np.maximum((probabilities * gold).sum(axis=1), SMALLEST))
    truth = np.where(gold > 0, probabilities, 1 - probabilities)
    return -np.log(np.maximum(truth, SMALLEST)).mean(axis=1)


def _verdicts(
    labels: LabelSet, gold: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray
) -> list[Verdict]:
    """The labels that are gold, predicted or among the likeliest, the likeliest first."""
    order = np.argsort(-probabilities, kind="stable")
    shown = [
        column
        for place, column in enumerate(order)
        if gold[column] or predicted[column] or place < LIKELIEST
    ]
    kinds = {(True, True): "right", (True, False): "missed", (False, True): "wrong"}
    return [
        Verdict(
            labels.names[column],
            float(probabilities[column]),
            kinds.get((bool(gold[column]), bool(predicted[column])), "neither"),
        )
        for column in shown
    ]


def _macro_f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return f1_score(gold, predicted, average="macro", zero_division=0)
