"""The metrics files of a run as typed values: what the report shows, checked as it is read."""

from pathlib import Path
from typing import Annotated, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.corpus.labels import LABELS

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Interval = tuple[Share, Share]
Part = TypeVar("Part", bound="Section")


class Section(BaseModel):
    """Part of a metrics file. Keys the report does not show are none of its business."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class F1(Section):
    macro_f1: Share
    micro_f1: Share


class Scores(F1):
    map: Share


class Measured(Scores):
    ece: Share
    exact_accuracy: Share


class Target(Section):
    macro_f1: Share


class LabelScores(Section):
    precision: Share
    recall: Share
    f1: Share
    f1_interval: Interval
    ap: Share
    auroc: Share
    support: Count
    few_positives: bool


class Intervals(Section):
    macro_f1: Interval
    micro_f1: Interval
    target_macro_f1: Interval


class Bounded(Measured):
    intervals: Intervals


class GlobalThreshold(Scores):
    threshold: Share


class View(Scores):
    rows: Count


class Fit(Section):
    ece: Share
    brier: Share


class Calibrated(Section):
    method: str
    cross_validated_nll: dict[str, float]
    before: Fit
    after: Fit


class TestMetrics(Bounded):
    """metrics/test.json."""

    __test__ = False  # not a test of pytest's

    profile: str
    corpus: str
    protocol: str
    macro_precision: Share
    macro_recall: Share
    brier: Share
    auroc: Share
    hamming_loss: Share
    lrap: Share
    target: Target
    ekman: F1
    sentiment: F1
    per_label: dict[str, LabelScores]
    at_0_5: Measured
    at_global_threshold: GlobalThreshold
    views: dict[str, View]
    calibration: Calibrated
    reference: dict[str, Bounded]

    @model_validator(mode="after")
    def _all_labels(self) -> Self:
        odd = sorted(set(self.per_label) ^ set(LABELS))
        if odd:
            raise ValueError(f"per_label: missing or unknown label {odd[0]!r}")
        return self


class Leakage(Section):
    """metrics/leakage.json."""

    passed: bool
    must_be_zero: dict[str, Count]
    findings: dict
    examples: dict[str, list[str]]


class Baselines(Section):
    """metrics/baselines.json."""

    majority: Measured
    tfidf_logistic: Bounded


class LabelBalance(Section):
    before: Count
    after: Count


class BalanceRows(Section):
    train: Count
    synthetic: Count


class MeanIr(Section):
    before: float
    after: float


class Balance(Section):
    """metrics/balance.json."""

    rows: BalanceRows
    mean_ir: MeanIr
    per_label: dict[str, LabelBalance]


class SplitRows(Section):
    train: Count
    validation: Count
    test: Count


class Split(Section):
    """metrics/split.json."""

    rows: SplitRows


class Results(NamedTuple):
    """All metrics files of one run."""

    test: TestMetrics
    leakage: Leakage
    baselines: Baselines
    balance: Balance
    split: Split


def read_results() -> Results:
    """Read metrics/*.json; EmotionSlmError names the file and the first key amiss, and a remedy."""
    return Results(
        test=_read("test", TestMetrics, "evaluate"),
        leakage=_read("leakage", Leakage, "evaluate"),
        baselines=_read("baselines", Baselines, "baselines"),
        balance=_read("balance", Balance, "ismote"),
        split=_read("split", Split, "split"),
    )


def _read(name: str, model: type[Part], stage: str) -> Part:
    path: Path = paths.METRICS / f"{name}.json"
    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        item = error.errors()[0]
        key = ".".join(map(str, item["loc"]))
        problem = "missing key" if item["type"] == "missing" else item["msg"]
        raise EmotionSlmError(
            f"{path}: {key + ': ' if key else ''}{problem}; `dvc repro {stage}` writes it anew"
        ) from error
