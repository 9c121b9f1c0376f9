"""results.json of a package: the numbers that its card shows."""

from pydantic import BaseModel, ConfigDict

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json
from emotion_slm.common.params import checked, shown
from emotion_slm.package.config import RESULTS, package_file
from emotion_slm.package.package import Package


class Shown(BaseModel):
    """A part of results.json; what the card does not show may stand beside it."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class Averages(Shown):
    macro_f1: float
    macro_precision: float
    macro_recall: float
    map: float
    ece: float


class Scores(Averages):
    micro_f1: float
    exact_accuracy: float


class ScoresOfOne(Averages):
    accuracy: float


class TestScores(Scores):
    macro_f1_low: float
    macro_f1_high: float


class TestScoresOfOne(ScoresOfOne):
    macro_f1_low: float
    macro_f1_high: float


class LabelScores(Shown):
    label: str
    target: bool
    precision: float
    recall: float
    f1: float
    f1_low: float
    f1_high: float
    support: int


class Leakage(Shown):
    rules: int
    near_duplicates_in_train: int


class Results(Shown):
    """results.json."""

    test: TestScores
    at_half: Scores
    per_label: list[LabelScores]
    leakage: Leakage


class ResultsOfOne(Shown):
    """results.json where a text has exactly one label."""

    test: TestScoresOfOne
    uncalibrated: ScoresOfOne
    per_label: list[LabelScores]
    leakage: Leakage


def read_results(package: Package) -> dict:
    path = package.folder / RESULTS
    if not path.exists() and not path.is_symlink():
        raise EmotionSlmError(
            f"{path}: no such file, from which the model card is made; make "
            "the package again with `dvc repro`, or install the emotion-slm release it was made "
            "with"
        )
    results = read_json(package_file(package.folder, RESULTS))
    labels = package.corpus.labels
    checked(ResultsOfOne if labels.single else Results, results, path, most=1)
    foreign = [row["label"] for row in results["per_label"] if row["label"] not in labels.index]
    if foreign:
        raise EmotionSlmError(
            f"{path}: per_label: {shown(foreign[0])} is none of the model's labels; "
            "fetch the model again"
        )
    return results
