"""Parameters of stage embed."""

from pydantic import Field

from emotion_slm.params.document import Section


class EmbedParams(Section):
    batch_size: int = Field(ge=1)
