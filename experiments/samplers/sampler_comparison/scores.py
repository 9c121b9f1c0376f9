"""Scores of one fold."""

import numpy as np
from sklearn.metrics import brier_score_loss, f1_score, recall_score, roc_auc_score

# Metric → whether a higher value is better.
METRICS = {"f1": True, "g_mean": True, "auc": True, "brier": False}


def scores(y: np.ndarray, probability: np.ndarray, threshold: float) -> dict[str, float]:
    """The METRICS of the positive class. `y`: (n,) 0 or 1; `probability`: (n,) of 1.

    F1 and G-mean, the root of sensitivity × specificity, call a row positive above `threshold`.
    AUC is that of the ROC curve; the Brier score is the mean squared error of `probability`.
    """
    predicted = (probability > threshold).astype(np.int64)
    sensitivity, specificity = recall_score(y, predicted), recall_score(y, predicted, pos_label=0)
    return {
        "f1": f1_score(y, predicted, zero_division=0),
        "g_mean": float(np.sqrt(sensitivity * specificity)),
        "auc": roc_auc_score(y, probability),
        "brier": brier_score_loss(y, probability),
    }
