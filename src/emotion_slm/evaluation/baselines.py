"""What any classifier must beat: the majority answer, and TF-IDF with logistic regression.

Both learn from train as nature has it, neither thinned nor oversampled.
"""

import numpy as np

from emotion_slm.calibration.choice import PROBABILITY_BOUND
from emotion_slm.common.together import rows_together
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.evaluation.evaluate import HALF, Scored, decide, overall
from emotion_slm.evaluation.params import BaselinesParams, TfidfParams


def baselines(
    train, validation, test, labels: LabelSet, params: BaselinesParams, seed: int
) -> dict[str, float]:
    """The content of metrics/baselines.json: scores on test of `majority` and of `tfidf`.

    The three frames hold `text, labels, duplicate_group`, perhaps `group`. The logistic
    regression's probabilities are calibrated and decided on as the classifier's are. Of one label
    a row, accuracy stands for micro-F1.
    """
    train_gold, test_gold = (labels.to_matrix(frame["labels"]) for frame in (train, test))
    held_out = [validation, test]
    fit = tfidf_softmax if labels.single else tfidf_logistic
    probabilities = fit(
        train["text"], train_gold, [frame["text"] for frame in held_out], params.tfidf
    )
    validated, tested = (
        _scored(frame, labels, of_frame)
        for frame, of_frame in zip(held_out, probabilities, strict=True)
    )
    answer = np.tile(majority(train_gold).astype(np.float64), (len(test_gold), 1))
    inside = np.clip(answer, PROBABILITY_BOUND, 1 - PROBABILITY_BOUND)
    by_majority = overall(tested, inside, HALF)
    by_tfidf = decide(validated, params.thresholds, seed).overall(tested)
    micro = "accuracy" if labels.single else "micro_f1"
    return {
        **{f"majority_{name}": by_majority[name] for name in ("macro_f1", micro)},
        **{f"tfidf_{name}": by_tfidf[name] for name in ("macro_f1", micro, "map", "ece")},
    }


def _scored(frame, labels: LabelSet, probabilities: np.ndarray) -> Scored:
    """Probabilities as the logits of a classifier."""
    from scipy.special import logit

    inside = np.clip(probabilities, PROBABILITY_BOUND, 1 - PROBABILITY_BOUND)
    logits = np.log(inside) if labels.single else logit(inside)
    return Scored(logits, labels.to_matrix(frame["labels"]), rows_together(frame), labels)


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
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    features, *inputs = _features(train_texts, texts, params)
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


def tfidf_softmax(train_texts, train_gold, texts: list, params: TfidfParams) -> list[np.ndarray]:
    """What `tfidf_logistic` gives, by one multinomial regression where a row carries one label.

    A label that no training row carries gets probability 0.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    features, *inputs = _features(train_texts, texts, params)
    scores = [np.zeros((part.shape[0], train_gold.shape[1])) for part in inputs]
    present = np.flatnonzero(train_gold.any(axis=0))
    if len(present) == 1:
        for part in scores:
            part[:, present] = 1
        return scores
    model = LogisticRegression(C=params.c, solver="newton-cg")
    with threadpool_limits(1):
        model.fit(features, train_gold.argmax(axis=1))
        for part, rows in zip(scores, inputs, strict=True):
            part[:, model.classes_] = model.predict_proba(rows)
    return scores


def _features(train_texts, texts: list, params: TfidfParams) -> list:
    """Sparse TF-IDF of the training texts, on which it is fitted, and of each of `texts`."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        min_df=params.min_df,
        ngram_range=(1, params.max_ngram),
        sublinear_tf=True,
        dtype=np.float32,
    )
    return [vectorizer.fit_transform(train_texts), *map(vectorizer.transform, texts)]
