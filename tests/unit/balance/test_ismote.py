import doctest
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks
from scipy import sparse, stats
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import estimator_checks

from emotion_slm.balance import geometry, ismote, multilabel
from emotion_slm.balance.ismote import ISMOTE

problems = settings(deadline=None, derandomize=True, max_examples=30)


@parametrize_with_checks(
    [ISMOTE(random_state=0), ISMOTE(expansion="none", random_state=0)],
)
def test_honours_the_contract_of_imbalanced_learn(estimator, check):
    check(estimator)


@estimator_checks.parametrize_with_checks(
    [ISMOTE(random_state=0), ISMOTE(expansion="none", normalize=False, random_state=0)]
)
def test_honours_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_both_samplers_have_one_address():
    assert ismote.MultiLabelISMOTE is multilabel.MultiLabelISMOTE


def binary(seed=0, n=200, d=6, minority=40, dtype=np.float64):
    random = np.random.default_rng(seed)
    y = np.zeros(n, dtype=int)
    y[random.choice(n, minority, replace=False)] = 1
    return (random.normal(size=(n, d)) + y[:, np.newaxis]).astype(dtype), y


def grid(seed=0, n=300, d=20, minority=40):
    """Zeros and ones: many duplicates and many equal distances."""
    X, y = binary(seed, n, d, minority)
    return (X > 1).astype(np.float64), y


def near_duplicates():
    """Rows so close that rounding may put another before the row itself."""
    X, y = binary(d=25, minority=80)
    copies = X[np.random.default_rng(1).integers(0, 30, len(X))]
    return copies + 1e-12 * X, y


def synthetic(X, y, **options):
    options = {"random_state": 0, **options}
    return ISMOTE(**options).fit_resample(X, y)[0][len(y) :]


# -- SMOTE as a special case -------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["auto", "minority", 0.3, {1: 41}, {0: 500}])
@pytest.mark.parametrize(
    ("X", "y"),
    [
        binary(d=3),
        binary(d=40),
        binary(d=40, dtype=np.float32),
        binary(n=6000, minority=2900, d=17, dtype=np.float32),
        grid(),
        grid(d=3),
        grid(n=1500, minority=700),
        near_duplicates(),
    ],
    ids=["low", "high", "float32", "many", "grid", "low-grid", "many-grid", "near-duplicates"],
)
def test_without_expansion_it_is_smote_bit_for_bit(X, y, strategy):
    if isinstance(strategy, dict) and strategy.get(1) == 41:
        strategy = {1: int(y.sum()) + 1}
    elif isinstance(strategy, dict):
        strategy = {0: int((y == 0).sum()) + 500}
    elif strategy == 0.3 and y.mean() > 0.3:
        strategy = 0.95
    options = {"sampling_strategy": strategy, "k_neighbors": 4, "random_state": 7}
    ours = ISMOTE(expansion="none", **options).fit_resample(X, y)
    theirs = SMOTE(**options).fit_resample(X, y)
    assert len(ours[0]) > len(X)
    assert ours[0].dtype == theirs[0].dtype
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_without_expansion_it_is_smote_when_most_of_the_class_are_neighbours():
    X, y = grid(n=40, d=5, minority=12)
    ours = ISMOTE(expansion="none", k_neighbors=8, random_state=0).fit_resample(X, y)[0]
    theirs = SMOTE(k_neighbors=8, random_state=0).fit_resample(X, y)[0]
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix])
def test_without_expansion_it_is_smote_on_sparse_rows(form):
    X, y = binary(d=30)
    X[X < 0.5] = 0
    ours = ISMOTE(expansion="none", random_state=7).fit_resample(form(X), y)[0]
    theirs = SMOTE(random_state=7).fit_resample(form(X), y)[0]
    assert ours.format == theirs.format
    np.testing.assert_array_equal(ours.toarray(), theirs.toarray())


def test_expansion_is_not_smote():
    X, y = binary()
    assert not np.array_equal(synthetic(X, y), synthetic(X, y, expansion="none"))


# -- the generated rows ------------------------------------------------------------------------


def offsets(X_class, z):
    """|t − ½| of each row of z on the line of some two rows of the class; NaN when on none.

    Which of the two was the seed cannot be seen in z: t and 1 − t are the same.
    """
    i, j = np.triu_indices(len(X_class), 1)
    base, difference = X_class[i], X_class[j] - X_class[i]
    to_z = z[:, np.newaxis] - base
    t = np.einsum("mpd,pd->mp", to_z, difference) / (difference**2).sum(axis=1)
    residual = np.linalg.norm(to_z - t[:, :, np.newaxis] * difference, axis=2)
    nearest = residual.argmin(axis=1)
    found = np.abs(t[np.arange(len(z)), nearest] - 0.5)
    return np.where(residual.min(axis=1) < 1e-9, found, np.nan)


@problems
@given(seed=st.integers(0, 2**31))
def test_every_row_lies_on_the_line_of_two_rows_of_its_class(seed):
    X, y = binary(seed, n=60, d=4, minority=8)
    offset = offsets(X[y == 1], synthetic(X, y, k_neighbors=3, random_state=seed % 1000))
    assert not np.isnan(offset).any()
    assert (offset <= 1).all()


def test_positions_on_the_line_are_triangular():
    X, y = binary(n=1500, d=4, minority=8)
    offset = offsets(X[y == 1], synthetic(X, y, k_neighbors=3))
    # Triangular(−½, ½, 1½), folded about its mode.
    assert stats.kstest(offset, stats.triang(c=0).cdf).pvalue > 0.01
    assert np.mean(offset > 0.5) == pytest.approx(0.25, abs=0.035)  # 3 standard errors


@pytest.mark.parametrize(("expansion", "factor"), [("segment", 5 / 6), ("none", 2 / 3)])
def test_share_of_the_class_covariance_that_is_kept(expansion, factor):
    n = 50
    X, y = binary(n=2 * n, d=3, minority=n, seed=4)
    z = synthetic(X, y, expansion=expansion, k_neighbors=n - 1, sampling_strategy={1: 300_000})
    # Parents are two different rows, so they correlate by −1/(n − 1): factor − (1 − factor)/(n − 1)
    expected = (factor - (1 - factor) / (n - 1)) * np.cov(X[y == 1].T, bias=True)
    np.testing.assert_allclose(np.cov(z.T), expected, atol=0.01)
    np.testing.assert_allclose(z.mean(axis=0), X[y == 1].mean(axis=0), atol=0.01)


@problems
@given(
    seed=st.integers(0, 2**31),
    scale=st.floats(0.1, 10),
    d=st.sampled_from([2, 6, 25]),
)
def test_equivariant_under_similarities(seed, scale, d):
    X, y = binary(seed, n=60, d=d, minority=15)
    random = np.random.default_rng(seed)
    rotation = np.linalg.qr(random.normal(size=(d, d)))[0]
    shift = random.normal(size=d)
    moved = scale * X @ rotation + shift
    np.testing.assert_allclose(
        synthetic(moved, y), scale * synthetic(X, y) @ rotation + shift, atol=1e-8
    )


@pytest.mark.parametrize("width", [1, 6], ids=["every coordinate", "a random vector"])
def test_equivariance_would_expose_the_destructive_readings(width):
    """Adding r·d to every coordinate, or a random vector of that size, depends on the axes."""
    X, y = binary(n=60, d=6, minority=15)
    sampler = ISMOTE(random_state=0)
    sampler.fit_resample(X, y)
    origin = sampler.provenance_
    random = np.random.default_rng(0)
    rotation = np.linalg.qr(random.normal(size=(6, 6)))[0]
    r = random.uniform(-1, 1, size=(len(origin), width))

    def misread(X):
        seed, step = X[origin["seed"]], X[origin["neighbour"]] - X[origin["seed"]]
        return seed + 0.5 * step + r * np.linalg.norm(step, axis=1, keepdims=True)

    assert np.abs(misread(X @ rotation) - misread(X) @ rotation).max() > 0.1


def test_duplicates_give_the_row_itself():
    X, y = binary()
    X[y == 1] = X[y == 1][0]
    np.testing.assert_array_equal(synthetic(X, y), np.tile(X[y == 1][0], (120, 1)))


def test_one_dimension():
    X, y = binary(d=1, minority=5)
    z = synthetic(X, y, k_neighbors=4)
    span = np.ptp(X[y == 1])
    assert (z >= X[y == 1].min() - span / 2).all() and (z <= X[y == 1].max() + span / 2).all()


def test_normalize_puts_synthetic_rows_alone_on_the_unit_sphere():
    X, y = binary()
    X_resampled, _ = ISMOTE(normalize=True, random_state=0).fit_resample(X, y)
    np.testing.assert_array_equal(X_resampled[: len(X)], X)
    np.testing.assert_allclose(np.linalg.norm(X_resampled[len(X) :], axis=1), 1)


# -- provenance --------------------------------------------------------------------------------


def test_every_row_can_be_recomputed_from_its_provenance():
    X, y = make_classification(
        n_samples=900, n_classes=3, n_informative=5, weights=[0.6, 0.3], random_state=0
    )
    X = (X * 100).astype(np.float32)
    sampler = ISMOTE(k_neighbors=3, random_state=0)
    X_resampled, y_resampled = sampler.fit_resample(X, y)
    origin = sampler.provenance_
    assert len(origin) == len(X_resampled) - 900 > 300
    exact = X.astype(np.float64)
    step = exact[origin["neighbour"]] - exact[origin["seed"]]
    z = exact[origin["seed"]] + origin["t"][:, np.newaxis] * step
    np.testing.assert_array_equal(X_resampled[900:], z.astype(np.float32))
    for label in (1, 2):
        members = np.flatnonzero(y == label)
        grown = origin[y_resampled[900:] == label]
        near = NearestNeighbors(n_neighbors=4).fit(X[members]).kneighbors(X[grown["seed"]])[1]
        assert np.isin(grown["seed"], members).all()
        assert (members[near[:, 1:]] == grown["neighbour"][:, np.newaxis]).any(axis=1).all()


def test_coefficients_are_triangular():
    sampler = ISMOTE(sampling_strategy={1: 20_000}, random_state=0)
    sampler.fit_resample(*binary())
    t = sampler.provenance_["t"]
    assert t.min() >= -0.5 and t.max() <= 1.5
    assert stats.kstest(t, stats.triang(c=0.5, loc=-0.5, scale=2).cdf).pvalue > 0.01
    assert np.mean((t < 0) | (t > 1)) == pytest.approx(0.25, abs=0.01)  # 3 standard errors


def test_nothing_to_grow():
    X, y = binary(minority=100)
    sampler = ISMOTE(random_state=0)
    np.testing.assert_array_equal(sampler.fit_resample(X, y)[0], X)
    assert len(sampler.provenance_) == 0


# -- the sampler -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_originals_first_and_exact_counts(dtype):
    X, y = make_classification(
        n_samples=400, n_classes=3, n_informative=5, weights=[0.7, 0.2], random_state=0
    )
    X = (X * 10).astype(dtype)
    X_resampled, y_resampled = ISMOTE(random_state=0).fit_resample(X, y)
    assert X_resampled.dtype == dtype
    assert X_resampled[:400].tobytes() == X.tobytes()
    np.testing.assert_array_equal(y_resampled[:400], y)
    assert set(Counter(y_resampled.tolist()).values()) == {max(Counter(y.tolist()).values())}


@pytest.mark.parametrize("d", [3, 30])
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix])
def test_sparse_equals_dense(form, d):
    X, y = binary(d=d)
    np.testing.assert_array_equal(synthetic(form(X), y).toarray(), synthetic(X, y))


def test_pandas_survives():
    X, y = binary(dtype=np.float32)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    target = pd.Series(np.array(["rest", "rare"])[y], name="class")
    X_resampled, y_resampled = ISMOTE(random_state=0).fit_resample(frame, target)
    assert list(X_resampled.columns) == list("abcdef")
    assert (X_resampled.dtypes == np.float32).all()
    assert y_resampled.name == "class"
    assert y_resampled.value_counts().to_dict() == {"rest": 160, "rare": 160}
    np.testing.assert_array_equal(X_resampled.to_numpy()[200:], synthetic(X, y))


def test_reproducible_and_the_global_random_state_is_untouched():
    X, y = binary()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (synthetic(X, y, random_state=seed) for seed in (1, 1, 2))
    assert not np.array_equal(synthetic(X, y, random_state=None), first)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_independent_of_chunk_size(monkeypatch):
    X, y = binary(dtype=np.float32)
    expected = synthetic(X, y)
    monkeypatch.setattr(geometry, "CHUNK_ENTRIES", 7)
    np.testing.assert_array_equal(synthetic(X, y), expected)


def test_a_small_class_uses_the_neighbours_it_has():
    X, y = binary(minority=2)
    z = synthetic(X, y, k_neighbors=5)
    assert len(z) == 196
    assert not np.isnan(offsets(X[y == 1], z)).any()


def test_a_single_row_is_refused():
    X, y = binary(minority=1)
    with pytest.raises(ValueError, match=r"class .*1.* has a single row"):
        ISMOTE().fit_resample(X, y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_must_be_finite(value):
    X, y = binary()
    X[3, 2] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        ISMOTE().fit_resample(X, y)


@pytest.mark.parametrize("expansion", ["segment", "none"])
def test_an_estimator_may_search_for_neighbours(expansion):
    X, y = binary(d=20, n=400, minority=150)
    search = NearestNeighbors(n_neighbors=4)
    np.testing.assert_array_equal(
        synthetic(X, y, expansion=expansion, k_neighbors=search),
        synthetic(X, y, expansion=expansion, k_neighbors=3),
    )
    few = binary(minority=3)
    np.testing.assert_array_equal(
        synthetic(*few, k_neighbors=search), synthetic(*few, k_neighbors=2)
    )


@pytest.mark.parametrize(
    "options", [{"k_neighbors": 0}, {"expansion": "copy"}, {"normalize": 1.0}, {"random_state": ""}]
)
def test_bad_parameters_are_refused(options):
    with pytest.raises(ValueError, match=f"'{next(iter(options))}' parameter of ISMOTE"):
        ISMOTE(**options).fit_resample(*binary())


def test_works_inside_a_pipeline_and_a_grid_search():
    X, y = binary()
    pipeline = Pipeline([("ismote", ISMOTE(random_state=0)), ("model", LogisticRegression())])
    search = GridSearchCV(pipeline, {"ismote__k_neighbors": [1, 5]}, scoring="f1", cv=3)
    assert search.fit(X, y).best_score_ > 0.5


def test_the_example_in_the_docstring_runs():
    results = doctest.testmod(ismote)
    assert results.attempted > 0 and results.failed == 0
