"""Parameters of stages fetch and split."""

import math
from typing import Literal

from pydantic import Field, model_validator

from emotion_slm.common.params import Section


class FetchParams(Section):
    """Which corpus the profile trains on, by the name of its description in corpora/.

    `sha256`, of the description and of the files beside it, is written by stage params: fetch runs
    again when one of them changes, and only then.
    """

    corpus: str
    sha256: dict[str, str] = Field(default_factory=dict)


class Ratios(Section):
    """Shares of the pooled rows; they sum to 1."""

    train: float = Field(gt=0, lt=1)
    validation: float = Field(gt=0, lt=1)
    test: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def sum_to_one(self) -> "Ratios":
        total = self.train + self.validation + self.test
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ValueError(f"train + validation + test must sum to 1, they sum to {total:g}")
        return self


class SplitParams(Section):
    """`pooled`: all rows split anew by `ratios`; `official`: the corpus's own, deduplicated."""

    protocol: Literal["pooled", "official"]
    ratios: Ratios
