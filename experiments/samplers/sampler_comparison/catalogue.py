"""The problems compared: name, how its rows are made, where they come from, why it is here.

Fixed before any sampler was run on them, after one look at the scores without a sampler, which made
sure that no problem is hopeless for all three classifiers.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sampler_comparison import generated, real


class Problem(NamedTuple):
    """`make()` returns X, (n, d) float64, and y, (n,) int64 with 1 for the minority."""

    name: str
    make: Callable[[], tuple[np.ndarray, np.ndarray]]
    source: str
    reason: str


CATALOGUE = (
    Problem(
        "breast cancer",
        real.breast_cancer,
        f"`load_breast_cancer`, malignant thinned to 40, seed {real.SEED}",
        "well separated, correlated measurements",
    ),
    Problem(
        "wine",
        real.wine,
        f"`load_wine`, third cultivar thinned to 15, seed {real.SEED}",
        "very few positives, easy",
    ),
    Problem(
        "iris",
        real.iris,
        f"`load_iris`, versicolor thinned to 15, seed {real.SEED}",
        "very few positives between two other groups",
    ),
    Problem(
        "digits",
        real.digits,
        "`load_digits`, 8 against the rest",
        "images, discrete features, a mixed majority",
    ),
    Problem(
        "diabetes",
        real.diabetes,
        "`load_diabetes`, top tenth of disease progression",
        "an arbitrary cut through a noisy quantity",
    ),
    Problem(
        "redundant",
        generated.redundant,
        f"`make_classification`, 5 informative of 20 features, seed {generated.SEED}",
        "redundant and useless features",
    ),
    Problem(
        "noisy",
        generated.noisy,
        f"`make_classification`, 6 % of labels redrawn, seed {generated.SEED}",
        "wrong labels, which samplers multiply",
    ),
    Problem(
        "extreme",
        generated.extreme,
        f"`make_classification`, 1 % positive, seed {generated.SEED}",
        "extreme imbalance",
    ),
    Problem(
        "moons",
        generated.moons,
        f"`make_moons`, noise 0.3, thinned to 50, seed {generated.SEED}",
        "a curved border in two dimensions",
    ),
    Problem(
        "circles",
        generated.circles,
        f"`make_circles`, noise 0.2, inner circle thinned to 50, seed {generated.SEED}",
        "a minority surrounded by the majority",
    ),
    Problem(
        "gaussians",
        generated.gaussians,
        f"two unit Gaussians 1.5 apart, seed {generated.SEED}",
        "overlap; the best classifier is linear",
    ),
    Problem(
        "islands",
        generated.islands,
        f"four Gaussian islands in a uniform square, seed {generated.SEED}",
        "small disjuncts, the case SMOTE's variants address",
    ),
    Problem(
        "embeddings",
        generated.embeddings,
        f"unit vectors around a 24-dimensional subspace, seed {generated.SEED}",
        "the kind of vectors this project balances",
    ),
    Problem(
        "wide",
        generated.wide,
        f"10 of 500 Gaussian features shifted, seed {generated.SEED}",
        "more features than rows (Blagus and Lusa 2013)",
    ),
)
