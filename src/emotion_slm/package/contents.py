"""What scoring reads of a package beside its weights."""

from emotion_slm.calibration.choice import Calibration
from emotion_slm.calibration.thresholds import Thresholds
from emotion_slm.common.files import read_json
from emotion_slm.package.config import CALIBRATION, SCORES, THRESHOLDS, package_file, read_config
from emotion_slm.package.package import Package
from emotion_slm.package.scores import ClassScores, ScoreHistograms
from emotion_slm.package.tokenizer import PackagedTokenizer

PROBE = ["a text", "\u2603\U0001f600"]  # the second is in no vocabulary


def read_calibration(package: Package) -> Calibration:
    """EmotionSlmError names what is wrong with calibration.json."""
    path = package_file(package.folder, CALIBRATION)
    content, single = read_json(path), package.corpus.labels.single
    return Calibration.from_dict(content, package.finetuned.labels, str(path), single)


def read_thresholds(package: Package) -> Thresholds | None:
    """None of a model that gives exactly one label; EmotionSlmError names what is wrong with
    thresholds.json."""
    if package.corpus.labels.single:
        return None
    path = package_file(package.folder, THRESHOLDS)
    return Thresholds.from_dict(read_json(path), package.finetuned.labels, str(path))


def read_scores(package: Package) -> ScoreHistograms | ClassScores | None:
    """How validation was scored; None of a package of format 3, which does not say.

    EmotionSlmError names what is wrong with scores.json.
    """
    if SCORES not in read_config(package.folder).files:
        return None
    path = package_file(package.folder, SCORES)
    kind = ClassScores if package.corpus.labels.single else ScoreHistograms
    return kind.from_dict(read_json(path), package.finetuned.labels, str(path))


def read_tokenizer(package: Package) -> PackagedTokenizer:
    """EmotionSlmError where it is none, or not the one that the model was trained with."""
    return PackagedTokenizer(package.folder, package.encoder.max_length, package.probe)


def check_contents(package: Package) -> None:
    """EmotionSlmError for a package that could not be scored: such a one is not handed on."""
    read_calibration(package)
    read_thresholds(package)
    read_scores(package)
    read_tokenizer(package)(PROBE)
