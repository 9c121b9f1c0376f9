"""layers.csv, curves.csv → attention_sink.png: norm and varying energy by layer, learning curves.

python -m attention_sink.figure
"""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from attention_sink.states import LAYERS
from attention_sink.train import CURVES
from emotion_slm.plots.canvas import BLUE, GREEN, GREY, ORANGE, canvas

OUTPUT = Path("attention_sink.png")
TITLE = "A vector that is the first position, and one that comes second"
NOTE = "left and middle: before any training; right: validation rows of GoEmotions"
# By backbone and prefix: how it is called, colour, line.
LOOKS = {
    ("smollm2", "none"): ("SmolLM2, the vector alone", ORANGE, "-"),
    ("smollm2", "bos"): ("SmolLM2, after BOS", BLUE, "-"),
    ("smollm2-random", "none"): ("the same, random weights", GREY, "--"),
    ("minilm", "none"): ("MiniLM, the vector alone", GREEN, "-"),
    ("minilm", "bos"): ("MiniLM, after [CLS]", GREEN, "--"),
}
ARMS = {
    "smollm2-none": LOOKS["smollm2", "none"],
    "smollm2-bos": LOOKS["smollm2", "bos"],
    "minilm-none": LOOKS["minilm", "none"],
    "minilm-cls": LOOKS["minilm", "bos"],
    "linear": ("linear probe, no SLM", "black", ":"),
}


def draw(figure: Figure, layers: pd.DataFrame, curves: pd.DataFrame) -> None:
    """Three panels and one legend."""
    norm, varies, learning = figure.subplots(1, 3)
    for (backbone, prefix), (_, colour, line) in LOOKS.items():
        own = layers[(layers["backbone"] == backbone) & (layers["prefix"] == prefix)]
        depth = own["layer"] / own["layer"].max()
        for axes, column in ((norm, "norm"), (varies, "varies")):
            axes.plot(depth, own[column], color=colour, linestyle=line, linewidth=1.8)
    for name, (_, colour, line) in ARMS.items():
        for _, own in curves[curves["name"] == name].groupby("seed"):
            learning.plot(
                own["epoch"], own["validation_map"], color=colour, linestyle=line, linewidth=1.4
            )
    norm.set(yscale="log", title="length of the state", xlabel="depth, input to output")
    varies.set(yscale="log", title="share of its energy that varies")
    varies.set_xlabel("depth, input to output")
    learning.set(title="mAP, a line a seed", xlabel="epoch", ylim=(0, None))
    learning.set_xticks(sorted(curves["epoch"].unique()))
    for axes in (norm, varies, learning):
        axes.grid(axis="y")
    shown = {label: (colour, line) for label, colour, line in [*LOOKS.values(), *ARMS.values()]}
    handles = [
        norm.plot([], [], color=colour, linestyle=line, label=label)[0]
        for label, (colour, line) in shown.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)


def main() -> None:
    with canvas(OUTPUT, 3.9, TITLE, NOTE) as figure:
        draw(figure, pd.read_csv(LAYERS), pd.read_csv(CURVES))


if __name__ == "__main__":
    main()
