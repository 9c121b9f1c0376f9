"""Parameters of stage undersample."""

from pydantic import Field

from emotion_slm.params.document import Section


class UndersampleParams(Section):
    """`neutral_only`: how many rows of train that carry neutral and nothing else are kept."""

    neutral_only: int = Field(ge=0)
