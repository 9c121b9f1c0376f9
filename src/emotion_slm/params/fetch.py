"""Parameters of stage fetch."""

from typing import Literal

from emotion_slm.params.document import Section


class FetchParams(Section):
    """Which corpus the profile trains on."""

    corpus: Literal["goemotions", "sample"]
