"""How decision thresholds are found on validation."""

from pydantic import Field

from emotion_slm.common.params import Section


class ThresholdParams(Section):
    """Thresholds are sought on multiples of `grid_step`; calibration is chosen over `folds` folds.

    `shrinkage`, in positive rows: how many a label needs for its own best threshold to weigh as
    much as the one expected of its calibrated probabilities.
    """

    grid_step: float = Field(gt=0, le=0.1)
    folds: int = Field(ge=3)  # what two leave of a fold cannot be cross-fitted again
    shrinkage: float = Field(gt=0)
