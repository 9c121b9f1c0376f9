"""ISMOTE for multi-label targets: every label grown to its target, with provenance."""

import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import ClassVar

import numpy as np
from imblearn.base import BaseSampler
from scipy import sparse
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import validate_data

from emotion_slm.balance import targets as labelsets
from emotion_slm.balance.geometry import PARENTS, draw, extend, private_random_state
from emotion_slm.balance.neighbours import nearest, split_parameter
from emotion_slm.balance.targets import column_of, resolve

SHOWN = 10  # labels that a warning names
PROVENANCE = np.dtype([*PARENTS.descr, ("target", np.int64), ("normalized", np.bool_)])


class MultiLabelISMOTE(BaseSampler):
    """Oversample the rare labels of a multi-label data set with ISMOTE (see `ISMOTE`).

    Labels are grown one after the other, rarest first, each by what it then lacks: the labels that
    synthetic rows inherit count. Seed rows and neighbours of a label are original rows that carry
    it. A synthetic row carries the label it was made for and the labels `labelset_strategy` gives
    it, less the excluded ones and less those already at their target when the growing of its label
    began. Every grown label ends at its target or, through inheritance, above.

    Parameters
    ----------
    sampling_strategy : "auto", int, float or dict, default="auto"
        Rows wanted per label. "auto": the rows at which IRLbl falls to MeanIR (Charte et al. 2015),
        so that exactly the labels whose IRLbl exceeds MeanIR grow; int: that many; float in (0, 1]:
        that share of the most frequent label's rows; dict: label → rows, and labels without an
        entry have no target: they are not grown but may be inherited. A label with more rows than
        its target is left alone.
    k_neighbors : int or estimator, default=5
        Neighbours a seed row chooses from; a label of n ≤ k rows uses n − 1. An estimator searches
        in its own way, as for `ISMOTE`.
    expansion : {"segment", "none", "copy"}, default="segment"
        "segment" is ISMOTE, "none" SMOTE, "copy" random oversampling (no interpolation).
    labelset_strategy : {"seed", "nearest", "ranking", "union", "intersection"}, default="seed"
        Labels a synthetic row inherits: the seed's; those of the parent it lies nearer to (t ≤ ½:
        the seed, else the neighbour); those of more than half of the seed and its k neighbours;
        those of any of them; those of all of them.
    exclude_labels : sequence of labels, default=()
        Labels never grown nor inherited.
    normalize : bool, default=False
        Re-project synthetic rows, copies apart, onto the unit sphere; meant for X of unit rows.
    random_state : int, RandomState instance or None, default=None
        None draws from a fresh generator; NumPy's global one is never touched.

    A label is named by its column name if y is a pandas frame, else by its column index.

    Attributes
    ----------
    labels_ : list
        Names of the columns of y.
    targets_ : dict
        Label → rows wanted, for the labels that have a target.
    counts_before_, counts_after_ : dict
        Label → rows that carry it.
    overshoot_ : dict
        Label → rows above the target, for the labels that were below it before.
    skipped_ : list
        Labels below their target that could not be grown: no row, or a single one (which "copy"
        can grow). A UserWarning names them.
    provenance_ : structured ndarray of shape (n_synthetic,)
        Per synthetic row, in order: `seed`, `neighbour` (row indices), `t` (float64), `target`
        (column index), `normalized`. For "copy" the neighbour is the seed and t is 0.
    n_features_in_, feature_names_in_
        As for every sampler of imbalanced-learn.

    Raises
    ------
    ValueError
        From `fit_resample`: X holds NaN or infinity; y is no dense (n, L) matrix of zeros and ones
        with both among them; a label is unknown, or both excluded and in the dict.

    References
    ----------
    Li et al. 2025, Scientific Reports 15:23521, doi 10.1038/s41598-025-09506-w.
    Charte, Rivera, del Jesus, Herrera 2015, "MLSMOTE", Knowledge-Based Systems 89 (label sets).

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from emotion_slm.balance.ismote import MultiLabelISMOTE
    >>> X, y = make_multilabel_classification(n_samples=200, random_state=10)
    >>> sampler = MultiLabelISMOTE(sampling_strategy=150, random_state=42)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> min(sampler.counts_after_.values())
    150
    """

    _sampling_type = "bypass"

    _parameter_constraints: ClassVar[dict] = {
        "sampling_strategy": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            Mapping,
        ],
        "k_neighbors": [
            Interval(Integral, 1, None, closed="left"),
            HasMethods(["fit", "kneighbors"]),
        ],
        "expansion": [StrOptions({"segment", "none", "copy"})],
        "labelset_strategy": [StrOptions(set(labelsets.STRATEGIES))],
        "exclude_labels": ["array-like"],
        "normalize": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        k_neighbors=5,
        expansion="segment",
        labelset_strategy="seed",
        exclude_labels=(),
        normalize=False,
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.k_neighbors = k_neighbors
        self.expansion = expansion
        self.labelset_strategy = labelset_strategy
        self.exclude_labels = exclude_labels
        self.normalize = normalize
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags

    def _check_X_y(self, X, y):  # noqa: N802 (imbalanced-learn's name)
        names = getattr(y, "columns", None)
        if sparse.issparse(y):
            raise ValueError("y must be a dense indicator matrix, found a sparse one")
        X, y = validate_data(
            self, X=X, y=y, accept_sparse=["csr", "csc"], multi_output=True, ensure_min_samples=2
        )
        if y.ndim != 2 or not np.isin(y, (0, 1)).all():
            raise ValueError(
                "Unknown label type: y must be an (n, L) indicator matrix of zeros and ones, one "
                f"column per label; found shape {y.shape}"
            )
        if len(np.unique(y)) < 2:
            raise ValueError("y holds one value only: no label tells rows apart")
        self.labels_ = list(range(y.shape[1])) if names is None else list(names)
        return X, y, False

    def _fit_resample(self, X, y):
        has_label = y != 0
        counts = has_label.sum(axis=0)
        excluded = {column_of(label, self.labels_) for label in self.exclude_labels}
        targets = resolve(self.sampling_strategy, counts, self.labels_, excluded)
        provenance, labels = self._plan(X, has_label, counts, targets, excluded)
        X_resampled = extend(X, provenance, self.normalize and self.expansion != "copy")
        y_resampled = np.concatenate([y, labels.astype(y.dtype)])
        self.provenance_ = provenance
        self._report(counts, (y_resampled != 0).sum(axis=0), targets)
        return X_resampled, y_resampled

    def _plan(self, X, has_label, counts, targets, excluded):
        """Provenance and (m, L) bool label sets of all synthetic rows, before any is computed."""
        random = private_random_state(self.random_state)
        counts = counts.copy()
        closed = np.zeros(len(counts), dtype=bool)
        closed[list(excluded)] = True
        wanted = np.full(len(counts), np.iinfo(np.int64).max)
        wanted[list(targets)] = list(targets.values())
        pending = self._growable(counts, targets)
        blocks, labels = [np.empty(0, PROVENANCE)], [np.empty((0, len(counts)), dtype=bool)]
        while pending:
            target = min(pending, key=lambda column: (counts[column], column))
            pending.remove(target)
            missing = wanted[target] - counts[target]
            if missing <= 0:
                continue
            block, labelset = self._grow(X, has_label, target, missing, random)
            labelset[:, closed | (counts >= wanted)] = False
            counts += labelset.sum(axis=0)
            blocks.append(block)
            labels.append(labelset)
        return np.concatenate(blocks), np.concatenate(labels)

    def _growable(self, counts, targets) -> list[int]:
        """Columns below their target with rows enough; the others are warned of and recorded."""
        enough = 1 if self.expansion == "copy" else 2
        below = [column for column, target in targets.items() if counts[column] < target]
        self.skipped_ = [self.labels_[column] for column in below if counts[column] < enough]
        if self.skipped_:
            more = len(self.skipped_) - SHOWN
            rest = f" and {more} more" if more > 0 else ""
            warnings.warn(
                f"labels with fewer than {enough} rows cannot be grown: "
                f"{self.skipped_[:SHOWN]}{rest}",
                UserWarning,
                stacklevel=2,
            )
        return [column for column in below if counts[column] >= enough]

    def _grow(self, X, has_label, target, n_samples, random):
        """Provenance and (n_samples, L) label sets of the rows made for column `target`.

        Seeds and neighbours all carry `target`: every strategy sets it.
        """
        members = np.flatnonzero(has_label[:, target])
        k_neighbors, search = split_parameter(self.k_neighbors)
        alone = self.expansion == "copy" and self.labelset_strategy in ("seed", "nearest")
        k = 0 if alone else min(k_neighbors, len(members) - 1)
        seed, rank, t = draw(random, len(members), k, n_samples, self.expansion)
        drawn, position = np.unique(seed, return_inverse=True)
        near = members[nearest(X[members], drawn, k, search)]
        block = np.empty(n_samples, PROVENANCE)
        block["seed"] = members[seed]
        block["neighbour"] = members[seed] if self.expansion == "copy" else near[position, rank]
        block["t"] = t
        block["target"] = target
        block["normalized"] = self.normalize and self.expansion != "copy"
        if self.labelset_strategy == "nearest":
            return block, labelsets.of_nearer_parent(has_label, block)
        labelset = labelsets.combine(has_label, members[drawn], near, self.labelset_strategy)
        return block, labelset[position]

    def _report(self, before, after, targets) -> None:
        def by_label(counts):
            return {label: int(n) for label, n in zip(self.labels_, counts, strict=True)}

        self.counts_before_, self.counts_after_ = by_label(before), by_label(after)
        self.targets_ = {self.labels_[column]: target for column, target in targets.items()}
        self.overshoot_ = {
            self.labels_[column]: max(0, int(after[column]) - target)
            for column, target in targets.items()
            if before[column] < target
        }
