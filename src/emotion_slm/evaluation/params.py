"""Parameters of stages baselines and evaluate."""

from pydantic import Field

from emotion_slm.calibration.params import ThresholdParams
from emotion_slm.common.params import Section


class TfidfParams(Section):
    """TF-IDF over words (unigrams up to `max_ngram`) and one logistic regression per label."""

    min_df: int = Field(ge=1)
    max_ngram: int = Field(ge=1)
    c: float = Field(gt=0)


class BaselinesParams(Section):
    """The baselines are calibrated by parameters of their own, so `evaluate` never reruns them."""

    tfidf: TfidfParams
    thresholds: ThresholdParams


class EvaluateParams(Section):
    thresholds: ThresholdParams
