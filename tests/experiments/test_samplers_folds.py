import numpy as np
import pandas as pd
import pytest
from imblearn import FunctionSampler
from sampler_comparison import folds
from sampler_comparison.classifiers import classifiers
from sampler_comparison.names import MOVED, NONE
from sampler_comparison.samplers import samplers
from sampler_comparison.scores import METRICS, scores
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

PARAMS = {"seed": 1, "splits": 5, "repeats": 2, "k_neighbors": 5}


class Spy:
    """A sampler and a classifier that remember what they were given."""

    def __init__(self):
        self.sampled, self.fitted, self.scored = [], [], []

    def fit_resample(self, X, y):
        self.sampled.append((X, y))
        return np.vstack([X, X[y == 1]]), np.concatenate([y, y[y == 1]])

    def fit(self, X, y):
        self.fitted.append((X, y))
        return self

    def predict_proba(self, X):
        self.scored.append(X)
        return np.full((len(X), 2), 0.5)


class Refusing:
    def __init__(self, error):
        self.error = error

    def fit_resample(self, X, y):
        raise self.error


def numbered(n=100, positives=20):
    """Rows that a single column tells apart, whatever the scaling."""
    return np.arange(n, dtype=float)[:, np.newaxis], (np.arange(n) % (n // positives) == 0) * 1


def test_the_sampler_sees_the_scaled_training_rows_and_nothing_else():
    X, y = numbered()
    train, test = np.arange(20, 100), np.arange(20)
    spy = Spy()
    list(folds.fold_rows(X, y, train, test, {"spy": spy}, {"spy": spy}))
    scaler = StandardScaler().fit(X[train])
    ((X_seen, y_seen),) = spy.sampled
    np.testing.assert_array_equal(X_seen, scaler.transform(X[train]))
    np.testing.assert_array_equal(y_seen, y[train])
    ((X_fitted, _),) = spy.fitted
    assert len(X_fitted) == len(train) + y[train].sum()
    np.testing.assert_array_equal(spy.scored[0], scaler.transform(X[test]))


def test_in_every_fold_sampled_and_scored_rows_are_disjoint_and_make_up_the_problem(monkeypatch):
    X, y = numbered()
    spy = Spy()
    monkeypatch.setattr(folds, "samplers", lambda *_: {"spy": spy})
    monkeypatch.setattr(folds, "classifiers", lambda *_: {"spy": spy})
    rows = list(folds.problem_rows(X, y, "numbered", PARAMS))
    assert len(rows) == len(spy.sampled) == len(spy.scored) == 10
    for (sampled, labels), scored in zip(spy.sampled, spy.scored, strict=True):
        assert (len(sampled), labels.sum(), len(scored)) == (80, 16, 20)
        assert len(np.unique(np.vstack([sampled, scored]).round(9))) == 100


@pytest.mark.parametrize("error", [ValueError("too few rows"), RuntimeError("too few rows")])
def test_a_sampler_that_cannot_work_is_recorded_and_does_not_stop_the_others(error):
    X, y = numbered()
    arms = {"refusing": Refusing(error), NONE: FunctionSampler()}
    division = np.arange(20, 100), np.arange(20)
    rows = list(folds.fold_rows(X, y, *division, arms, {"logistic": LogisticRegression()}))
    assert [row["sampler"] for row in rows] == ["refusing", NONE, MOVED]
    assert [row["failure"] for row in rows] == ["too few rows", "", ""]
    assert "auc" not in rows[0] and "auc" in rows[1]


def test_an_error_of_another_kind_is_not_swallowed():
    X, y = numbered()
    with pytest.raises(TypeError):
        division = np.arange(20, 100), np.arange(20)
        list(folds.fold_rows(X, y, *division, {"broken": Refusing(TypeError())}, {"spy": Spy()}))


def test_every_arm_is_scored_on_every_fold_and_a_second_run_is_equal(monkeypatch):
    X, y = numbered(120, 30)
    monkeypatch.setattr(folds, "classifiers", lambda _: {"logistic": LogisticRegression()})
    first, second = (
        pd.DataFrame(folds.problem_rows(X, y, "numbered", PARAMS | {"repeats": 1}))
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert len(first) == 5 * 7
    assert first[list(METRICS)].notna().all(axis=None)
    assert set(first["sampler"]) == {*samplers(5, 0), MOVED}


def test_classifiers_give_probabilities():
    X, y = numbered()
    fitted = {name: classifier.fit(X, y) for name, classifier in classifiers(0).items()}
    assert len(fitted) == 3
    for classifier in fitted.values():
        assert classifier.predict_proba(X).shape == (100, 2)


def test_samplers_share_their_number_of_neighbours_and_their_seed():
    for sampler in samplers(5, 9).values():
        params = sampler.get_params()
        assert params.get("k_neighbors", params.get("n_neighbors", 5)) == 5
        assert params.get("random_state", 9) == 9


def test_scores_computed_by_hand():
    y = np.array([1, 1, 0, 0, 0])
    probability = np.array([0.9, 0.3, 0.6, 0.2, 0.1])
    # One of two positives and two of three negatives are right: precision and recall are ½.
    expected = {
        "f1": 1 / 2,
        "g_mean": (1 / 2 * 2 / 3) ** 0.5,
        "auc": 5 / 6,
        "brier": (0.01 + 0.49 + 0.36 + 0.04 + 0.01) / 5,
    }
    assert scores(y, probability, 0.5) == pytest.approx(expected)
    assert scores(y, probability, 0.25)["f1"] == pytest.approx(4 / 5)
    assert scores(y, probability, 0.95)["f1"] == 0
