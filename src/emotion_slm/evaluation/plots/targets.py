"""How figures tell the 15 target emotions from the other labels."""

from collections.abc import Mapping, Sequence

from emotion_slm.canvas import BLUE, GREY, legend_above
from emotion_slm.labels import TARGETS


def colours(labels: Sequence[str]) -> list[str]:
    return [BLUE if label in TARGETS else GREY for label in labels]


def target_legend(axes, more: Mapping[str, object] | None = None, columns: int = 4) -> None:
    from matplotlib.patches import Patch

    entries = {
        "target emotion": Patch(color=BLUE),
        "other label": Patch(color=GREY),
        **(more or {}),
    }
    legend_above(axes, min(columns, len(entries)), entries.values(), entries.keys())
