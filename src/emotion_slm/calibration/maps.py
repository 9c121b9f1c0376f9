"""Maps from logits to probabilities, fitted on validation: temperature, Platt, isotonic, blend.

Sources: Guo et al. 2017 (temperature); Platt 1999, with Lin, Lin and Weng 2007 for its fitting;
Zadrozny and Elkan 2002 (isotonic regression); Genest and Zidek 1986 for the blend, a logarithmic
opinion pool. Both Platt and isotonic are fitted on Platt's smoothed targets, so that a run of rows
without a positive is improbable rather than impossible.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import shown

# A label whose fitted slope is below this has no usable trend: its ranking would be flattened or,
# with a negative slope, turned round.
MIN_SLOPE = 0.01


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e^−x) of float64, any of them; in numpy, as scipy is slow to import for one text."""
    with np.errstate(over="ignore"):  # e^−x may be infinite: the quotient is 0, as it should be
        return 1 / (1 + np.exp(-values))


class Platt(NamedTuple):
    """Slope and intercept per label, each (labels,) float64 in label order; slopes are positive."""

    slope: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Platt":
        """Fit on (n, labels) raw logits and gold.

        A label without positives or without negatives keeps slope 1 and intercept 0. Where the
        fitted slope falls below MIN_SLOPE, or all logits are equal, the slope is 1 and only the
        intercept is fitted. So the ranking within a label never changes.
        """
        width = logits.shape[1]
        slope, intercept = np.ones(width), np.zeros(width)
        for column in range(width):
            scores, positive = logits[:, column].astype(np.float64), gold[:, column] > 0
            if positive.any() and not positive.all():
                slope[column], intercept[column] = _fit_label(scores, positive)
        return cls(slope, intercept)

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities; no overflow at any logit."""
        return sigmoid(logits * self.slope + self.intercept)

    def to_dict(self, labels: Sequence[str]) -> dict[str, dict[str, float]]:
        """Slope and intercept by label name."""
        columns = zip(labels, self.slope, self.intercept, strict=True)
        return {
            label: {"slope": float(slope), "intercept": float(intercept)}
            for label, slope, intercept in columns
        }

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "Platt":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the bad or missing label."""
        check_labels(content, labels, source)
        values = np.empty((len(labels), 2))
        for column, label in enumerate(labels):
            try:
                slope, intercept = (content[label][key] for key in ("slope", "intercept"))
            except (KeyError, TypeError) as error:
                raise EmotionSlmError(
                    f"{source}: {label}: expected numbers 'slope' and 'intercept'"
                ) from error
            values[column] = [
                number(slope, f"{source}: {label}", "slope"),
                number(intercept, f"{source}: {label}", "intercept"),
            ]
            if not np.isfinite(values[column]).all() or values[column, 0] <= 0:
                raise EmotionSlmError(
                    f"{source}: {label}: slope and intercept must be finite, the slope positive"
                )
        return cls(slope=values[:, 0], intercept=values[:, 1])


def smoothed_targets(positive: np.ndarray) -> np.ndarray:
    """Platt's targets for (n,) bool: just inside 0 and 1, closer the more rows there are.

    They keep the slope of a separable label finite, and are the probability of a positive after
    that many rows of one class under a uniform prior.
    """
    positives = positive.sum()
    negatives = len(positive) - positives
    return np.where(positive, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _fit_label(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    targets = smoothed_targets(positive)
    if np.ptp(scores) > 0:
        slope, intercept = _fit_slope(scores, targets)
        if slope >= MIN_SLOPE:
            return slope, intercept
    return 1.0, _fit_intercept(scores, targets)


def _fit_slope(scores: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Unpenalised logistic regression; a soft target is a row counted in both classes."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = scores.mean(), scores.std()
    standardised = ((scores - centre) / scale)[:, None]
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(
        np.concatenate([standardised, standardised]),
        np.repeat([1, 0], len(scores)),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    slope = model.coef_[0, 0] / scale
    return float(slope), float(model.intercept_[0] - slope * centre)


def _fit_intercept(scores: np.ndarray, targets: np.ndarray) -> float:
    """The intercept at which the mean probability equals the mean target, the slope being 1."""
    from scipy.optimize import brentq

    def excess(intercept: float) -> float:
        return float(sigmoid(scores + intercept).sum() - targets.sum())

    reach = 40.0  # σ(−40) is below any smoothed target
    return float(brentq(excess, -scores.max() - reach, -scores.min() + reach))


class Knots(NamedTuple):
    """Of one label, each (k,) float64, k ≥ 1: increasing logits, non-decreasing probabilities."""

    logits: np.ndarray
    probabilities: np.ndarray


class Isotonic(NamedTuple):
    """The knots of every label, in label order."""

    knots: tuple[Knots, ...]

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Isotonic":
        """Fit on (n, labels) raw logits and gold; a label of one class or without trend is flat."""
        columns = zip(logits.astype(np.float64).T, gold.T > 0, strict=True)
        return cls(tuple(_fit_knots(scores, positive) for scores, positive in columns))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities."""
        columns = zip(logits.astype(np.float64).T, self.knots, strict=True)
        return np.column_stack([np.interp(scores, *knots) for scores, knots in columns])

    def to_dict(self, labels: Sequence[str]) -> dict[str, dict[str, list[float]]]:
        """The knots by label name."""
        return {
            label: {"logits": knots.logits.tolist(), "probabilities": knots.probabilities.tolist()}
            for label, knots in zip(labels, self.knots, strict=True)
        }

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "Isotonic":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the bad or missing label."""
        check_labels(content, labels, source)
        return cls(tuple(_read_knots(content[label], f"{source}: {label}") for label in labels))


def _fit_knots(scores: np.ndarray, positive: np.ndarray) -> Knots:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0, y_max=1).fit(scores, smoothed_targets(positive))
    return Knots(model.X_thresholds_, model.y_thresholds_)


def _read_knots(content: object, source: str) -> Knots:
    try:
        lists = [content[key] for key in Knots._fields]
    except (KeyError, TypeError) as error:
        raise _no_knots(source) from error
    if not all(isinstance(numbers, list) for numbers in lists):
        raise _no_knots(source)
    knots = Knots(*(np.array([number(one, source) for one in numbers]) for numbers in lists))
    logits, probabilities = knots
    if logits.shape != probabilities.shape or not len(logits):
        raise EmotionSlmError(f"{source}: 'logits' and 'probabilities' must be lists of one length")
    if not np.isfinite(logits).all() or not (np.diff(logits) > 0).all():
        raise EmotionSlmError(f"{source}: 'logits' must be finite and increase")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise EmotionSlmError(f"{source}: 'probabilities' must lie between 0 and 1")
    if not (np.diff(probabilities) >= 0).all():
        raise EmotionSlmError(f"{source}: 'probabilities' must not decrease")
    return knots


def _no_knots(source: str) -> EmotionSlmError:
    return EmotionSlmError(f"{source}: expected lists of numbers 'logits' and 'probabilities'")


# Log-odds need probabilities inside 0 and 1; smoothed targets are never as near as this.
FLOOR = 1e-9


class Blend(NamedTuple):
    """The two maps that are averaged."""

    platt: Platt
    isotonic: Isotonic

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Blend":
        """Fit both on (n, labels) raw logits and gold."""
        return cls(Platt.fit(logits, gold), Isotonic.fit(logits, gold))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities."""
        parts = [np.clip(part.apply(logits), FLOOR, 1 - FLOOR) for part in self]
        odds = [np.log(part) - np.log1p(-part) for part in parts]
        return sigmoid(np.mean(odds, axis=0))

    def to_dict(self, labels: Sequence[str]) -> dict[str, dict]:
        """The content of both, by name."""
        return {name: part.to_dict(labels) for name, part in self._asdict().items()}

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "Blend":
        """The reverse of `to_dict`; EmotionSlmError names `source` and the part that is wrong."""
        for name in cls._fields:
            if not isinstance(content, dict) or not isinstance(content.get(name), dict):
                raise EmotionSlmError(f"{source}: expected an object {name!r}")
        return cls(
            Platt.from_dict(content["platt"], labels, f"{source}: platt"),
            Isotonic.from_dict(content["isotonic"], labels, f"{source}: isotonic"),
        )


# Separable logits would drive T to 0, logits without a trend to infinity.
COLDEST, HOTTEST = 0.01, 100.0


class Temperature(NamedTuple):
    """A temperature, positive."""

    temperature: float

    @classmethod
    def fit(cls, logits: np.ndarray, gold: np.ndarray) -> "Temperature":
        """The T in [0.01, 100] with the smallest mean NLL of (n, labels) logits and gold."""
        scores = logits.astype(np.float64)

        def slope_of_nll(inverse: float) -> float:
            return float(np.mean(scores * (sigmoid(scores * inverse) - gold)))

        return cls(best_temperature(slope_of_nll))

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """(n, labels) raw logits → (n, labels) float64 probabilities."""
        return sigmoid(logits.astype(np.float64) / self.temperature)

    def to_dict(self, labels: Sequence[str]) -> dict[str, float]:
        return {"temperature": self.temperature}

    @classmethod
    def from_dict(cls, content: dict, labels: Sequence[str], source: str) -> "Temperature":
        """The reverse of `to_dict`; EmotionSlmError names `source`."""
        try:
            temperature = content["temperature"]
        except (KeyError, TypeError) as error:
            raise EmotionSlmError(f"{source}: expected a number 'temperature'") from error
        temperature = number(temperature, source, "temperature")
        if not 0 < temperature < np.inf:
            raise EmotionSlmError(f"{source}: temperature {temperature} is not positive and finite")
        return cls(temperature)


def best_temperature(slope_of_nll: Callable[[float], float]) -> float:
    """Where the slope of a mean NLL over 1 / T, in which it is convex, is 0; or the nearer end of
    [COLDEST, HOTTEST]."""
    from scipy.optimize import brentq

    low, high = 1 / HOTTEST, 1 / COLDEST
    if slope_of_nll(low) >= 0:
        return HOTTEST
    if slope_of_nll(high) <= 0:
        return COLDEST
    return 1 / float(brentq(slope_of_nll, low, high))


def number(value: object, source: str, key: str = "") -> float:
    """`value` of a JSON file as a float.

    EmotionSlmError, naming `source` and its `key`, for what is no number.
    """
    try:
        if type(value) in (int, float):
            return float(value)
    except OverflowError:  # an integer beyond all floats
        pass
    named = f" {key!r}" if key else ""
    raise EmotionSlmError(f"{source}: expected a number{named}, found {shown(value)}")


def check_labels(content: object, labels: Sequence[str], source: str) -> None:
    """EmotionSlmError, naming `source` and the odd label, unless the keys are `labels`."""
    if not isinstance(content, Mapping):
        raise EmotionSlmError(f"{source}: expected an object with a value for each of the labels")
    odd = sorted(set(content) ^ set(labels))
    if odd:
        raise EmotionSlmError(f"{source}: missing or unknown label {shown(odd[0])}")
