"""What any classifier must beat: the majority answer, and TF-IDF with logistic regression.

Both learn from train as nature has it, neither thinned nor oversampled.
"""

import numpy as np

from emotion_slm.calibration.choice import PROBABILITY_BOUND
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.evaluation import metrics
from emotion_slm.evaluation.evaluate import HALF, Scored, decide
from emotion_slm.evaluation.params import BaselinesParams, TfidfParams


def baselines(
    train, validation, test, labels: LabelSet, params: BaselinesParams, seed: int
) -> dict[str, float]:
    """The content of metrics/baselines.json: scores on test of `majority` and of `tfidf`.

    The three frames hold `text, labels, duplicate_group`. The logistic regression's probabilities
    are calibrated and decided on as the classifier's are.
    """
    train_gold, test_gold = (labels.to_matrix(frame["labels"]) for frame in (train, test))
    held_out = [validation, test]
    probabilities = tfidf_logistic(
        train["text"], train_gold, [frame["text"] for frame in held_out], params.tfidf
    )
    validated, tested = (
        _scored(frame, labels, of_frame)
        for frame, of_frame in zip(held_out, probabilities, strict=True)
    )
    answer = np.tile(majority(train_gold).astype(np.float64), (len(test_gold), 1))
    by_majority = metrics.overall(test_gold, answer, HALF, labels.target_columns)
    by_tfidf = decide(validated, params.thresholds, seed).overall(tested)
    return {
        **{f"majority_{name}": by_majority[name] for name in ("macro_f1", "micro_f1")},
        **{f"tfidf_{name}": by_tfidf[name] for name in ("macro_f1", "micro_f1", "map", "ece")},
    }


def _scored(frame, labels: LabelSet, probabilities: np.ndarray) -> Scored:
    """Probabilities as the logits of a classifier."""
    from scipy.special import logit

    inside = np.clip(probabilities, PROBABILITY_BOUND, 1 - PROBABILITY_BOUND)
    groups = frame["duplicate_group"].to_numpy()
    return Scored(logit(inside), labels.to_matrix(frame["labels"]), groups, labels)


def majority(gold: np.ndarray) -> np.ndarray:
    """(labels,) the most frequent label set of the rows of `gold`, given as answer to every text.

    Among equally frequent sets the one whose indicator row sorts first.
    """
    label_sets, rows = np.unique(gold, axis=0, return_counts=True)
    return label_sets[rows.argmax()]


def tfidf_logistic(train_texts, train_gold, texts: list, params: TfidfParams) -> list[np.ndarray]:
    """Fit on train, then (n, labels) float64 probabilities for each collection of `texts`.

    One L2-penalised logistic regression per label; a label that all or none of the training rows
    carry gets probability 1 or 0. Newton's method in float32 fits 28 labels on 32,500 comments in
    about 5 s, liblinear in 20 to 50 s; one thread, so that no core count changes a sum.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    vectorizer = TfidfVectorizer(
        min_df=params.min_df,
        ngram_range=(1, params.max_ngram),
        sublinear_tf=True,
        dtype=np.float32,
    )
    features = vectorizer.fit_transform(train_texts)
    inputs = [vectorizer.transform(part) for part in texts]
    labels = train_gold.shape[1]
    scores = [np.empty((part.shape[0], labels)) for part in inputs]
    for column in range(labels):
        positive = train_gold[:, column]
        if positive.min() == positive.max():
            for part in scores:
                part[:, column] = positive[0]
            continue
        model = LogisticRegression(C=params.c, solver="newton-cg")
        with threadpool_limits(1):
            model.fit(features, positive)
            for part, rows in zip(scores, inputs, strict=True):
                part[:, column] = model.predict_proba(rows)[:, 1]
    return scores
