"""Parameters of stages undersample and ismote."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Section
from emotion_slm.corpus.labels import known_label


def _label(name: str) -> str:
    try:
        return known_label(name)
    except EmotionSlmError as error:
        raise ValueError(str(error)) from error


LabelName = Annotated[str, AfterValidator(_label)]
Count = Annotated[int, Field(ge=1)]


class IsmoteParams(Section):
    """Oversampling of train in embedding space.

    `target`: rows wanted per label, one number for all labels or a mapping by label;
    `exclude_labels`: labels never grown, nor inherited by synthetic rows.
    """

    target: Count | dict[LabelName, Count]
    k_neighbors: int = Field(ge=1)
    expansion: Literal["segment", "none", "copy"]
    labelset_strategy: Literal["seed", "nearest", "ranking", "union", "intersection"]
    exclude_labels: list[LabelName]
    normalize: bool

    @model_validator(mode="after")
    def exclude_no_target(self) -> "IsmoteParams":
        if isinstance(self.target, dict):
            for label in self.exclude_labels:
                if label in self.target:
                    raise ValueError(f"label {label!r} is in `target` and in `exclude_labels`")
        return self


class UndersampleParams(Section):
    """`neutral_only`: how many rows of train that carry neutral and nothing else are kept."""

    neutral_only: int = Field(ge=0)
