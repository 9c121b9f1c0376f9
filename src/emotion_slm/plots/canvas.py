"""What every picture of metrics/plots is drawn on: PNG, 1,200 pixels wide, reproducible bytes.

Drawn on figure objects without pyplot, so that no display and no global state is involved.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from emotion_slm.common import files
from emotion_slm.corpus.labels import LabelSet

WIDTH, DPI = 8.0, 150  # inches, pixels per inch
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#8a8a8a"  # Okabe and Ito, and grey
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e2e2e2",
    "legend.frameon": False,
}


@contextmanager
def canvas(path: Path, height: float, title: str, note: str) -> Iterator:
    """A figure `height` inches tall, written to `path` when the block succeeds.

    `note` is a second line under the title, such as a warning about the corpus.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
        FigureCanvasAgg(figure)
        figure.suptitle(f"{title}\n{note}".strip())
        yield figure
        with files.atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def label_axis(axes, order: Sequence[str]) -> None:
    """Name the rows of a horizontal plot, the first label on top."""
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def has_others(labels: LabelSet) -> bool:
    """Whether some labels are no targets, so that colours tell something."""
    return len(labels.targets) < len(labels)


def colours(order: Sequence[str], targets: Sequence[str]) -> list[str]:
    """Blue for the targets, grey for the other labels of `order`."""
    return [BLUE if label in targets else GREY for label in order]


def target_legend(axes, labels: LabelSet, more: Mapping[str, object], columns: int = 4) -> None:
    """What the colours mean, where some labels are targets and some are not, and `more`."""
    from matplotlib.patches import Patch

    kinds = {"target label": Patch(color=BLUE), "other label": Patch(color=GREY)}
    entries = {**(kinds if has_others(labels) else {}), **more}
    axes.legend(
        entries.values(),
        entries.keys(),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=min(columns, len(entries)),
    )
