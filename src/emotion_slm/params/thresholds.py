"""How decision thresholds are tuned on validation."""

from typing import Annotated

from pydantic import Field

from emotion_slm.params.document import Section


class ThresholdParams(Section):
    """Per-label thresholds from validation.

    A label's own threshold is shrunk towards the global one by n / (n + shrinkage), n being its
    validation positives; the shrinkage is chosen from `shrinkages` by cross-validation within
    validation, over `folds` folds.
    """

    grid_step: float = Field(gt=0, le=0.1)
    shrinkages: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)
    folds: int = Field(ge=2)
