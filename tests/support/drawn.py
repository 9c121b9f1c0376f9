"""Figures as they stand after drawing, in place of files."""

from contextlib import contextmanager


def figures_of(module, monkeypatch) -> list:
    """The figures that `module` will have drawn, each added when it is done; no file is written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    finished = []

    @contextmanager
    def keep(path, height: float, title: str, note: str):
        figure = Figure(figsize=(8, height))
        FigureCanvasAgg(figure)
        figure.suptitle(f"{title}\n{note}".strip())
        yield figure
        finished.append(figure)

    monkeypatch.setattr(module, "canvas", keep)
    return finished
