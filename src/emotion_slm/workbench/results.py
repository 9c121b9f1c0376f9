"""The metrics files of a run, read and checked: flat JSON for numbers, CSV for tables."""

import csv
import io
import json
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emotion_slm.common import paths
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import require
from emotion_slm.workbench.dvc_lock import LOCK, Lock, read_lock
from emotion_slm.workbench.repository import Side, WorkingTree

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Part = TypeVar("Part", bound="Section")
Numbers = dict[str, int | float]


class Section(BaseModel):
    """A metrics file, or a row of a table. Keys the report does not show are not its business."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class TestMetrics(Section):
    """metrics/test.json; `reference`: the adapted encoder with its own head, None if frozen.

    Where each row carries exactly one label there are accuracy and NLL in the place of micro-F1,
    exact label sets and threshold 0.5.
    """

    __test__ = False  # not a test of pytest's

    macro_f1: Share
    macro_f1_low: Share
    macro_f1_high: Share
    micro_f1: Share | None = None
    accuracy: Share | None = None
    accuracy_low: Share | None = None
    accuracy_high: Share | None = None
    map: Share
    auroc: Share
    exact_accuracy: Share | None = None
    macro_precision: Share
    macro_recall: Share
    ece: Share
    nll: float | None = None
    brier: Annotated[float, Field(ge=0, le=2)]
    macro_f1_targets: Share
    macro_f1_at_half: Share | None = None
    reference_macro_f1: Share | None = None


class Validation(Section):
    """metrics/validation.json, on which thresholds, calibration and experiments are chosen."""

    macro_f1: Share
    macro_f1_cross_validated: Share
    micro_f1: Share | None = None
    accuracy: Share | None = None
    map: Share
    ece: Share
    nll: float


class Leakage(Section):
    """metrics/leakage.json."""

    rules: Count
    broken: Count
    near_duplicates_in_train: Count
    near_duplicates_in_validation: Count


class Baselines(Section):
    """metrics/baselines.json."""

    majority_macro_f1: Share
    majority_micro_f1: Share | None = None
    majority_accuracy: Share | None = None
    tfidf_macro_f1: Share
    tfidf_micro_f1: Share | None = None
    tfidf_accuracy: Share | None = None
    tfidf_map: Share
    tfidf_ece: Share


class Balance(Section):
    """metrics/balance.json; `purity` is None without synthetic rows."""

    rows: Count
    synthetic: Count
    mean_ir_before: float
    mean_ir_after: float
    overshoot: Count
    purity: Share | None = None


class Split(Section):
    """metrics/split.json."""

    train: Count
    validation: Count
    test: Count
    dropped: Count
    duplicates: Count
    near_duplicates: Count


class LabelScores(Section):
    """A row of metrics/plots/per_label.csv; without a positive, AP and AUROC are None."""

    label: str
    target: bool
    precision: Share
    recall: Share
    f1: Share
    f1_low: Share
    f1_high: Share
    ap: Share | None = None
    auroc: Share | None = None
    support: Count


class LabelCounts(Section):
    """A row of metrics/plots/label_counts.csv: rows that carry the label."""

    label: str
    train: Count
    undersampled: Count
    balanced: Count
    validation: Count
    test: Count


class Subset(Section):
    """A row of metrics/plots/subsets.csv: some of test's rows."""

    subset: str
    rows: Count
    macro_f1: Share
    micro_f1: Share | None = None
    accuracy: Share | None = None
    map: Share | None = None


class Method(Section):
    """A row of metrics/plots/calibration.csv."""

    method: str
    cross_validated_nll: float
    chosen: bool


class Origin(NamedTuple):
    """What a run was made with, as its dvc.lock says; empty where that does not say."""

    profile: str
    corpus: str
    protocol: str


class Results(NamedTuple):
    """All metrics files of one run."""

    origin: Origin
    test: TestMetrics
    validation: Validation
    leakage: Leakage
    baselines: Baselines
    balance: Balance
    split: Split
    labels: list[LabelScores]
    counts: list[LabelCounts]
    subsets: list[Subset]
    methods: list[Method]


def read_results() -> Results:
    """The files of the working directory; EmotionSlmError names the file, what is amiss, and a
    remedy."""
    tree = WorkingTree()
    require(LOCK)
    return Results(
        origin=origin(read_lock(tree)),
        test=_numbers(tree, "test", TestMetrics, "evaluate"),
        validation=_numbers(tree, "validation", Validation, "evaluate"),
        leakage=_numbers(tree, "leakage", Leakage, "evaluate"),
        baselines=_numbers(tree, "baselines", Baselines, "baselines"),
        balance=_numbers(tree, "balance", Balance, "ismote"),
        split=_numbers(tree, "split", Split, "split"),
        labels=_rows(tree, "per_label", LabelScores),
        counts=_rows(tree, "label_counts", LabelCounts),
        subsets=_rows(tree, "subsets", Subset),
        methods=_rows(tree, "calibration", Method),
    )


def origin(lock: Lock | None) -> Origin:
    values = lock.values() if lock else {}
    return Origin(
        *(str(values.get(key, "")) for key in ("profile", "fetch.corpus", "split.protocol"))
    )


def read_numbers(side: Side, path: Path) -> Numbers | None:
    """A JSON object of numbers; None when it holds anything else, as before they were flat.

    Empty without such a file; EmotionSlmError when it is not a JSON object.
    """
    content = side.read(path)
    try:
        found = {} if content is None else json.loads(content)
    except ValueError as error:
        raise EmotionSlmError(f"{path} of {side.name}: not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise EmotionSlmError(f"{path} of {side.name}: not a JSON object")
    return found if all(type(value) in (int, float) for value in found.values()) else None


def read_table(side: Side, path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by its header, empty cells left out; none without such a file.

    EmotionSlmError when it is not UTF-8, or a row has more cells than the header.
    """
    try:
        text = (side.read(path) or b"").decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise EmotionSlmError(f"{path} of {side.name}: not a readable CSV ({error})") from error
    if any(None in row for row in rows):
        raise EmotionSlmError(f"{path} of {side.name}: a row has more cells than the header")
    return [{name: cell for name, cell in row.items() if cell} for row in rows]


def _numbers(side: Side, name: str, model: type[Part], stage: str) -> Part:
    path = require(paths.METRICS / f"{name}.json")
    found = read_numbers(side, path)
    if found is None:
        raise EmotionSlmError(
            f"{path}: not flat numbers, as before they were; `dvc repro {stage}` writes it anew"
        )
    return _checked(path, model, found, stage)


def _rows(side: Side, name: str, model: type[Part]) -> list[Part]:
    path = require(paths.PLOTS / f"{name}.csv")
    return [_checked(path, model, row, "evaluate") for row in read_table(side, path)]


def _checked(path: Path, model: type[Part], content: dict, stage: str) -> Part:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        item = error.errors()[0]
        problem = "missing key" if item["type"] == "missing" else item["msg"]
        raise EmotionSlmError(
            f"{path}: {item['loc'][0]}: {problem}; `dvc repro {stage}` writes it anew"
        ) from error
