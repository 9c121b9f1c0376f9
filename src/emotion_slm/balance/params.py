"""Parameters of stages undersample and ismote."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from emotion_slm.common.params import Section

Count = Annotated[int, Field(ge=1)]


class IsmoteParams(Section):
    """Oversampling of train in embedding space.

    `target`: rows wanted per label, one number for all labels or a mapping by label;
    `exclude_labels`: labels never grown, nor inherited by synthetic rows.
    """

    target: Count | dict[str, Count]
    k_neighbors: int = Field(ge=1)
    expansion: Literal["segment", "none", "copy"]
    labelset_strategy: Literal["seed", "nearest", "ranking", "union", "intersection"]
    exclude_labels: list[str]
    normalize: bool

    @property
    def named(self) -> list[str]:
        """The labels it mentions."""
        return [*self.exclude_labels, *(self.target if isinstance(self.target, dict) else ())]

    @model_validator(mode="after")
    def exclude_no_target(self) -> "IsmoteParams":
        if isinstance(self.target, dict):
            for label in self.exclude_labels:
                if label in self.target:
                    raise ValueError(f"label {label!r} is in `target` and in `exclude_labels`")
        return self


class UndersampleParams(Section):
    """`keep`: how many rows of train are kept that carry the corpus's `thin` label and no other."""

    keep: int = Field(ge=0)
