"""How thresholds of uncalibrated scores are tuned and shrunk."""

from typing import Annotated

from pydantic import Field

from emotion_slm.params.document import Section


class ShrunkenParams(Section):
    """A label's own threshold is shrunk towards the global one by n / (n + shrinkage), n being its
    positives; the shrinkage is chosen from `shrinkages` by cross-validation over `folds` folds."""

    grid_step: float = Field(gt=0, le=0.1)
    shrinkages: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)
    folds: int = Field(ge=2)
