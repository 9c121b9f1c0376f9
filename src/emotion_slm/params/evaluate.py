"""Parameters of stage evaluate."""

from emotion_slm.params.document import Section
from emotion_slm.params.thresholds import ThresholdParams


class EvaluateParams(Section):
    thresholds: ThresholdParams
