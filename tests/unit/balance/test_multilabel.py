import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.pipeline import Pipeline
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import estimator_checks

from emotion_slm.balance import geometry, multilabel
from emotion_slm.balance.multilabel import MultiLabelISMOTE
from emotion_slm.balance.targets import irlbl, mean_ir

STRATEGIES = ("seed", "nearest", "ranking", "union", "intersection")
EXPANSIONS = ("segment", "none", "copy")
problems = settings(deadline=None, derandomize=True, max_examples=40)


def problem(seed=0, n=120, d=5, rates=(0.7, 0.3, 0.15, 0.08), dtype=np.float64):
    """(n, d) rows and (n, L) labels: each label has two rows at least, some rows have none."""
    random = np.random.default_rng(seed)
    y = (random.random((n, len(rates))) < rates).astype(np.int8)
    y[:2] = 1
    y[-1] = 0
    return random.normal(size=(n, d)).astype(dtype), y


def resample(X, y, **options):
    sampler = MultiLabelISMOTE(**{"sampling_strategy": 100, "random_state": 0, **options})
    X_resampled, y_resampled = sampler.fit_resample(X, y)
    return sampler, X_resampled[len(y) :], y_resampled[len(y) :]


def class_neighbours(X, members, row, k):
    """The k rows of `members` nearest to `row`, by a full sort."""
    others = members[members != row]
    return set(others[np.linalg.norm(X[others] - X[row], axis=1).argsort()[:k]].tolist())


class OfAnyTarget(MultiLabelISMOTE):
    """Takes the targets of scikit-learn's checks, which are not indicators, as one label."""

    def _check_X_y(self, X, y):  # noqa: N802
        if isinstance(y, np.ndarray) and y.dtype.kind in "iuf" and y.size:
            y = (y == y.max()).astype(int).reshape(len(y), -1)
        return super()._check_X_y(X, y)


@estimator_checks.parametrize_with_checks(
    [OfAnyTarget(random_state=0), OfAnyTarget(expansion="copy", random_state=0)]
)
def test_honours_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


# -- provenance --------------------------------------------------------------------------------


@pytest.mark.parametrize("expansion", EXPANSIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_row_can_be_recomputed_from_its_provenance(expansion, dtype):
    X, y = problem(d=40, dtype=dtype)
    X *= 1000  # where a difference taken in float32 would show
    sampler, z, _ = resample(X, y, expansion=expansion)
    origin = sampler.provenance_
    assert len(origin) == len(z) > 100
    assert z.dtype == dtype
    seed, neighbour = (X[origin[name]].astype(np.float64) for name in ("seed", "neighbour"))
    recomputed = seed + origin["t"][:, np.newaxis] * (neighbour - seed)
    np.testing.assert_array_equal(z, recomputed.astype(dtype))


@problems
@given(seed=st.integers(0, 2**31), strategy=st.sampled_from(STRATEGIES))
def test_parents_are_neighbours_that_carry_the_target(seed, strategy):
    X, y = problem(seed)
    sampler, _, labels = resample(X, y, k_neighbors=3, labelset_strategy=strategy)
    assert len(sampler.provenance_)
    for origin, labelset in zip(sampler.provenance_, labels, strict=True):
        members = np.flatnonzero(y[:, origin["target"]])
        near = class_neighbours(X, members, origin["seed"], k=3)
        assert y[origin["seed"], origin["target"]] == 1
        assert origin["neighbour"] in near
        assert labelset[origin["target"]] == 1
        assert (labelset <= y[[origin["seed"], *near]].max(axis=0)).all()


def test_coefficients_are_triangular():
    X, y = problem()
    t = resample(X, y, sampling_strategy=2000)[0].provenance_["t"]
    assert t.min() >= -0.5 and t.max() <= 1.5
    assert stats.kstest(t, stats.triang(c=0.5, loc=-0.5, scale=2).cdf).pvalue > 0.01
    assert np.mean((t < 0) | (t > 1)) == pytest.approx(0.25, abs=0.02)


def test_without_expansion_rows_stay_between_their_parents():
    X, y = problem()
    t = resample(X, y, sampling_strategy=2000, expansion="none")[0].provenance_["t"]
    assert stats.kstest(t, stats.uniform().cdf).pvalue > 0.01


def test_copies_are_rows_of_the_data():
    X, y = problem()
    sampler, z, labels = resample(X, y, expansion="copy", normalize=True, sampling_strategy={3: 99})
    origin = sampler.provenance_
    np.testing.assert_array_equal(z, X[origin["seed"]])
    np.testing.assert_array_equal(labels, y[origin["seed"]])
    np.testing.assert_array_equal(origin["neighbour"], origin["seed"])
    assert not origin["t"].any()
    assert not origin["normalized"].any()


def test_the_nearer_parent_gives_its_labels():
    X, y = problem()
    sampler, _, labels = resample(
        X, y, sampling_strategy={3: 400}, labelset_strategy="nearest", k_neighbors=2
    )
    origin = sampler.provenance_
    parent = np.where(origin["t"] <= 0.5, origin["seed"], origin["neighbour"])
    np.testing.assert_array_equal(labels, y[parent])
    assert not np.array_equal(labels, y[origin["seed"]])


def test_an_estimator_may_search_for_neighbours():
    X, y = problem(n=300)
    by_number = resample(X, y, k_neighbors=3)
    by_search = resample(X, y, k_neighbors=NearestNeighbors(n_neighbors=4))
    np.testing.assert_array_equal(by_number[0].provenance_, by_search[0].provenance_)
    np.testing.assert_array_equal(by_number[1], by_search[1])


def test_normalized_rows_are_marked():
    X, y = problem()
    sampler, z, _ = resample(X, y, normalize=True)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1)
    assert sampler.provenance_["normalized"].all()
    assert not resample(X, y)[0].provenance_["normalized"].any()


# -- counts ------------------------------------------------------------------------------------


@problems
@given(
    seed=st.integers(0, 2**31),
    expansion=st.sampled_from(EXPANSIONS),
    strategy=st.sampled_from(STRATEGIES),
    target=st.sampled_from([1, 60, 90, 200, 0.5, 1.0, "auto"]),
)
def test_every_label_reaches_its_target_and_the_report_is_true(seed, expansion, strategy, target):
    X, y = problem(seed)
    sampler, _, labels = resample(
        X, y, sampling_strategy=target, expansion=expansion, labelset_strategy=strategy
    )
    before, after = y.sum(axis=0), y.sum(axis=0) + labels.sum(axis=0)
    assert sampler.counts_before_ == dict(enumerate(before.tolist()))
    assert sampler.counts_after_ == dict(enumerate(after.tolist()))
    assert sampler.skipped_ == []
    for label, wanted in sampler.targets_.items():
        assert after[label] >= wanted
        if before[label] >= wanted:
            assert after[label] == before[label]
            assert label not in sampler.overshoot_
        else:
            assert after[label] == wanted + sampler.overshoot_[label]


@problems
@given(seed=st.integers(0, 2**31), expansion=st.sampled_from(EXPANSIONS))
def test_single_label_rows_end_exactly_at_the_target(seed, expansion):
    X, _ = problem(seed)
    y = np.eye(3, dtype=int)[np.random.default_rng(seed).choice(3, len(X), p=[0.7, 0.2, 0.1])]
    sampler, _, labels = resample(X, y, expansion=expansion)
    assert set(sampler.counts_after_.values()) == {100}
    assert (labels.sum(axis=1) == 1).all()


def test_rarest_first_with_deficits_recomputed():
    X = np.arange(20.0)[:, np.newaxis]
    y = np.zeros((20, 3), dtype=int)
    y[:, 0] = 1
    y[:4, 1] = 1  # 4 rows, each also with the rarest label
    y[:3, 2] = 1
    y[3, 2] = 0
    sampler, _, labels = resample(X, y, sampling_strategy=10)
    # The 7 rows made for label 2 all inherit label 1, which then has 11 and needs none.
    np.testing.assert_array_equal(sampler.provenance_["target"], [2] * 7)
    np.testing.assert_array_equal(labels, [[0, 1, 1]] * 7)
    assert sampler.counts_after_ == {0: 20, 1: 11, 2: 10}
    assert sampler.overshoot_ == {1: 1, 2: 0}


def test_the_order_follows_the_counts_as_they_grow():
    X = np.arange(40.0)[:, np.newaxis]
    y = np.zeros((40, 4), dtype=int)
    y[:, 0] = 1
    y[:3, 1] = 1
    y[[1, 2, 20, 21], 2] = 1  # rarer than label 3 until rows made for label 1 inherit it
    y[10:15, 3] = 1
    targets = resample(X, y, sampling_strategy=12)[0].provenance_["target"].tolist()
    assert list(dict.fromkeys(targets)) == [1, 3, 2]
    assert 0 < targets.count(2) < 8


def test_auto_grows_exactly_the_labels_above_mean_ir():
    X, y = problem(n=400)
    counts = y.sum(axis=0)
    sampler, _, _ = resample(X, y, sampling_strategy="auto")
    above = np.flatnonzero(irlbl(counts) > mean_ir(counts)).tolist()
    assert sorted(sampler.overshoot_) == above != []
    after = np.array(list(sampler.counts_after_.values()))
    assert (irlbl(after)[above] <= mean_ir(counts)).all()


# -- label sets --------------------------------------------------------------------------------


def expected_labels(X, y, sampler, k, excluded=()):
    """Label sets rebuilt row by row from provenance, strategy "seed"."""
    counts, rows = y.sum(axis=0).astype(int), []
    wanted = [sampler.targets_.get(label, np.inf) for label in range(y.shape[1])]
    for target in dict.fromkeys(sampler.provenance_["target"].tolist()):
        closed = {label for label in range(y.shape[1]) if counts[label] >= wanted[label]}
        for origin in sampler.provenance_[sampler.provenance_["target"] == target]:
            labelset = y[origin["seed"]].copy()
            labelset[[*closed, *excluded]] = 0
            labelset[target] = 1
            rows.append(labelset)
            counts = counts + labelset
    return np.array(rows)


@problems
@given(
    seed=st.integers(0, 2**31),
    excluded=st.sampled_from([(), (0,), (1, 2)]),
    strategy=st.sampled_from([60, 100, {3: 90}, {2: 90, 3: 200}]),
)
def test_seed_label_sets_leave_out_excluded_and_finished_labels(seed, excluded, strategy):
    if isinstance(strategy, dict):
        excluded = tuple(label for label in excluded if label not in strategy)
    X, y = problem(seed)
    sampler, _, labels = resample(X, y, sampling_strategy=strategy, exclude_labels=excluded)
    np.testing.assert_array_equal(labels, expected_labels(X, y, sampler, 5, excluded))
    assert not labels[:, list(excluded)].any()
    assert not set(excluded) & set(sampler.targets_)


def test_labels_without_a_target_are_inherited_not_grown():
    X, y = problem()
    sampler, _, labels = resample(X, y, sampling_strategy={3: 90})
    assert sampler.targets_ == {3: 90}
    assert set(sampler.provenance_["target"]) == {3}
    np.testing.assert_array_equal(labels, y[sampler.provenance_["seed"]])


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("seed", {(1, 1, 0), (0, 1, 0), (0, 1, 1)}),
        ("ranking", {(0, 1, 0)}),
        ("union", {(1, 1, 1)}),
        ("intersection", {(0, 1, 0)}),
    ],
)
@pytest.mark.parametrize("expansion", EXPANSIONS)
def test_label_sets_by_strategy(strategy, expected, expansion):
    # Three rows carry label 1 and are each other's neighbours; no label is common but that one.
    X = np.array([[0.0], [1.0], [2.0], [9.0]])
    y = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1], [1, 0, 1]])
    _, _, labels = resample(
        X, y, sampling_strategy={1: 60}, labelset_strategy=strategy, expansion=expansion
    )
    assert set(map(tuple, labels.tolist())) == expected


# -- edges -------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 5, 50])
def test_fewer_rows_than_neighbours(k):
    X, y = problem()
    y[:, 3] = 0
    y[[5, 6, 7], 3] = 1
    sampler, _, _ = resample(X, y, sampling_strategy={3: 200}, k_neighbors=k)
    origin = sampler.provenance_
    pairs = set(zip(origin["seed"].tolist(), origin["neighbour"].tolist(), strict=True))
    assert len(pairs) == 3 * min(k, 2)
    assert (origin["seed"] != origin["neighbour"]).all()


def test_a_single_row_is_skipped_with_a_warning_or_copied():
    X, y = problem()
    y[:, 3] = 0
    y[5, 3] = 1
    with pytest.warns(UserWarning, match=r"fewer than 2 rows cannot be grown: \[3\]"):
        sampler, _, _ = resample(X, y, sampling_strategy={3: 20})
    assert sampler.skipped_ == [3]
    assert len(sampler.provenance_) == 0
    sampler, z, _ = resample(X, y, sampling_strategy={3: 20}, expansion="copy")
    assert sampler.skipped_ == []
    np.testing.assert_array_equal(z, np.tile(X[5], (19, 1)))


@pytest.mark.parametrize("expansion", EXPANSIONS)
@pytest.mark.parametrize("strategy", ["auto", 100, 0.9, {1: 100}])
def test_labels_without_rows_are_skipped_with_a_warning(expansion, strategy):
    X, y = problem()
    y[:, 1] = 0
    with pytest.warns(UserWarning, match=r"cannot be grown: \[1\]"):
        sampler, _, labels = resample(X, y, sampling_strategy=strategy, expansion=expansion)
    assert sampler.skipped_ == [1]
    assert not labels[:, 1].any()
    assert np.isfinite(list(sampler.targets_.values())).all()


def test_duplicates_give_the_row_itself():
    X, y = problem(d=20, dtype=np.float32)
    X[:] = X[0]
    np.testing.assert_array_equal(resample(X, y)[1], np.tile(X[0], (len(resample(X, y)[1]), 1)))


def test_nothing_to_grow():
    X, y = problem()
    sampler = MultiLabelISMOTE(sampling_strategy=1, random_state=0)
    X_resampled, y_resampled = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_resampled, X)
    np.testing.assert_array_equal(y_resampled, y)
    assert len(sampler.provenance_) == 0
    assert sampler.overshoot_ == {}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X, y[:, 0]), "indicator matrix"),
        (lambda X, y: (X, y * 2), "indicator matrix"),
        (lambda X, y: (X, y * 0), "one value only"),
        (lambda X, y: (X, sparse.csr_matrix(y)), "dense indicator matrix"),
        (lambda X, y: (X[:, 0], y), "Expected 2D array"),
        (lambda X, y: (X[:0], y[:0]), "0 sample"),
        (lambda X, y: (X[:9], y), "inconsistent numbers of samples"),
        (lambda X, y: (np.where(X > 1, np.nan, X), y), "X contains NaN"),
        (lambda X, y: (np.where(X > 1, np.inf, X), y), "X contains infinity"),
    ],
)
def test_bad_input_is_refused(spoil, message):
    with pytest.raises(ValueError, match=message):
        MultiLabelISMOTE().fit_resample(*spoil(*problem()))


@pytest.mark.parametrize(
    "options",
    [
        {"sampling_strategy": 0},
        {"sampling_strategy": 1.5},
        {"sampling_strategy": "all"},
        {"k_neighbors": 0},
        {"expansion": "hypercube"},
        {"labelset_strategy": "majority"},
        {"exclude_labels": "neutral"},
    ],
)
def test_bad_parameters_are_refused(options):
    name = next(iter(options))
    with pytest.raises(ValueError, match=f"'{name}' parameter of MultiLabelISMOTE"):
        MultiLabelISMOTE(**options).fit_resample(*problem())


# -- the sampler -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float64, bool])
def test_originals_first_and_dtypes_kept(dtype):
    X, y = problem(dtype=np.float32)
    X_resampled, y_resampled = MultiLabelISMOTE(sampling_strategy=100, random_state=0).fit_resample(
        X, y.astype(dtype)
    )
    assert X_resampled[: len(X)].tobytes() == X.tobytes()
    assert y_resampled.dtype == dtype
    np.testing.assert_array_equal(y_resampled[: len(y)], y)


def test_frames_name_the_labels():
    X, y = problem()
    names = ["neutral", "joy", "grief", "pride"]
    frame = pd.DataFrame(y, columns=names)
    options = {"sampling_strategy": {"pride": 80, "grief": 90}, "random_state": 0}
    sampler = MultiLabelISMOTE(exclude_labels=["neutral"], **options)
    X_resampled, y_resampled = sampler.fit_resample(pd.DataFrame(X), frame)
    assert list(y_resampled.columns) == names
    assert (y_resampled.dtypes == np.int8).all()
    assert y_resampled.index.equals(X_resampled.index)
    assert sampler.targets_ == {"pride": 80, "grief": 90}
    assert sampler.counts_after_ == y_resampled.sum().to_dict()
    assert sampler.labels_ == names
    by_index = MultiLabelISMOTE(
        sampling_strategy={3: 80, 2: 90}, exclude_labels=(0,), random_state=0
    )
    np.testing.assert_array_equal(X_resampled, by_index.fit_resample(X, y)[0])
    np.testing.assert_array_equal(sampler.provenance_, by_index.provenance_)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("expansion", EXPANSIONS)
def test_sparse_equals_dense(form, expansion):
    X, y = problem(d=30)
    X[np.abs(X) < 0.5] = 0
    dense, of_sparse = (resample(rows, y, expansion=expansion) for rows in (X, form(X)))
    assert of_sparse[1].format == form((1, 1)).format
    np.testing.assert_array_equal(of_sparse[1].toarray(), dense[1])
    np.testing.assert_array_equal(of_sparse[2], dense[2])
    np.testing.assert_array_equal(of_sparse[0].provenance_, dense[0].provenance_)


@problems
@given(seed=st.integers(0, 2**31), scale=st.floats(0.1, 10), d=st.sampled_from([3, 25]))
def test_equivariant_under_similarities(seed, scale, d):
    X, y = problem(seed, d=d)
    random = np.random.default_rng(seed)
    rotation = np.linalg.qr(random.normal(size=(d, d)))[0]
    shift = random.normal(size=d)
    moved = resample(scale * X @ rotation + shift, y)
    still = resample(X, y)
    np.testing.assert_allclose(moved[1], scale * still[1] @ rotation + shift, atol=1e-8)
    np.testing.assert_array_equal(moved[2], still[2])


def test_reproducible_and_the_global_random_state_is_untouched():
    X, y = problem()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (resample(X, y, random_state=seed)[1] for seed in (1, 1, 2))
    assert not np.array_equal(resample(X, y, random_state=None)[1][:9], first[:9])
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[:9], other[:9])
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("entries", [1, 13, 10**7])
def test_independent_of_chunk_size(monkeypatch, entries):
    X, y = problem(dtype=np.float32)
    expected = resample(X, y)[1]
    monkeypatch.setattr(geometry, "CHUNK_ENTRIES", entries)
    np.testing.assert_array_equal(resample(X, y)[1], expected)


def test_inputs_are_not_changed():
    X, y = problem()
    X_before, y_before = X.copy(), y.copy()
    resample(X, y, exclude_labels=(0,))
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)


def test_clones_and_works_inside_a_pipeline():
    X, y = problem(n=300)
    sampler = clone(MultiLabelISMOTE(exclude_labels=(0,), random_state=0))
    model = Pipeline([("ismote", sampler), ("model", MultiOutputClassifier(GaussianNB()))])
    assert model.fit(X, y).predict(X).shape == y.shape
    assert len(model.named_steps["ismote"].provenance_) > 0


def test_the_example_in_the_docstring_runs():
    results = doctest.testmod(multilabel)
    assert results.attempted > 0 and results.failed == 0
