"""Stage folds: every sampler and classifier on every fold of every problem → folds.csv.

All samplers of a fold see the same training rows and are scored on the same test rows.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from emotion_slm.common.seeds import child_seed
from sampler_comparison.catalogue import CATALOGUE
from sampler_comparison.classifiers import classifiers
from sampler_comparison.names import MOVED, NONE
from sampler_comparison.samplers import samplers
from sampler_comparison.scores import METRICS, scores

OUTPUT = Path("folds.csv")


def fold_rows(
    X: np.ndarray,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    samplers: Mapping,
    classifiers: Mapping,
) -> Iterator[dict]:
    """One row of scores per sampler and classifier, for one division into `train` and `test`.

    The scaler and the sampler are fitted on the training rows. `synthetic` counts the rows the
    sampler added. A sampler that cannot work on these rows gives rows with `failure`, its message,
    and no scores.
    """
    scaler = StandardScaler().fit(X[train])
    X_train, X_test = scaler.transform(X[train]), scaler.transform(X[test])
    for sampler_name, sampler in samplers.items():
        try:
            X_grown, y_grown = sampler.fit_resample(X_train, y[train])
        except (ValueError, RuntimeError) as error:  # what imbalanced-learn raises: too few rows
            for name in classifiers:
                yield {"classifier": name, "sampler": sampler_name, "failure": str(error)}
            continue
        for name, classifier in classifiers.items():
            probability = classifier.fit(X_grown, y_grown).predict_proba(X_test)[:, 1]
            row = {"classifier": name, "synthetic": len(y_grown) - len(train), "failure": ""}
            yield {**row, "sampler": sampler_name, **scores(y[test], probability, 0.5)}
            if sampler_name == NONE:
                share = y[train].mean()
                yield {**row, "sampler": MOVED, **scores(y[test], probability, share)}


def problem_rows(X, y, name: str, params: Mapping) -> Iterator[dict]:
    """The rows of all folds of one problem."""
    division = RepeatedStratifiedKFold(
        n_splits=params["splits"],
        n_repeats=params["repeats"],
        random_state=child_seed(params["seed"], f"folds/{name}"),
    )
    for fold, (train, test) in enumerate(division.split(X, y)):
        seed = child_seed(params["seed"], f"sampler/{name}/{fold}")
        arms = samplers(params["k_neighbors"], seed), classifiers(seed)
        for row in fold_rows(X, y, train, test, *arms):
            yield {"problem": name, "fold": fold, **row}


def main() -> None:
    params = YAML(typ="safe").load(Path("params.yaml"))["folds"]
    threadpool_limits(1)  # float sums depend on the number of threads
    rows = []
    for problem in CATALOGUE:
        rows += problem_rows(*problem.make(), problem.name, params)
        print(problem.name, flush=True)
    columns = ["problem", "fold", "classifier", "sampler", "synthetic", "failure", *METRICS]
    frame = pd.DataFrame(rows, columns=columns).astype({"synthetic": "Int64"})
    frame.to_csv(OUTPUT, index=False, float_format="%.6f", lineterminator="\n")


if __name__ == "__main__":
    main()
