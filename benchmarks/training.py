"""Training speed on a CPU: `python -m benchmarks.training` prints the table of README.md.

Profile `minilm` on GoEmotions' train rows, or on the sample corpus where `dvc repro` has not made
them yet.
"""

import argparse
import statistics
from functools import partial

from rich.console import Console
from rich.table import Table

from benchmarks.comments import comments
from benchmarks.text_training import ARMS, LIBRARY, Run, Texts, run, tokenized
from benchmarks.turns import by_turns, ratios, spread
from emotion_slm.backbone.device import has_bfloat16
from emotion_slm.common.params import Document
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.params import AdaptParams, EncoderParams

PROFILE = "minilm"
console = Console(width=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="turns of every arm")
    parser.add_argument("--steps", type=int, default=30, help="timed steps of a run")
    parser.add_argument("--threads", type=int, help="CPU threads; params.yaml's unless given")
    options = parser.parse_args()
    document = Document.read().with_profile(PROFILE)
    threads = options.threads or document.threads
    pin_threads(threads)
    name, frame = comments("train")
    encoder = document.section("encoder", EncoderParams)
    texts = tokenized(frame, encoder, document.section("adapt", AdaptParams))
    results = measure(texts, options.runs, options.steps)
    conditions = [
        f"{name}, {texts.rows.count:,} rows of {texts.rows.lengths.mean():.1f} tokens",
        f"batches of {texts.adapt.training.batch_size}",
        f"{options.runs} runs of {options.steps} steps",
        f"{threads} thread{'s' if threads > 1 else ''}",
        "bfloat16" if has_bfloat16() else "no bfloat16 on this processor: float32 throughout",
    ]
    console.print(table(results, "; ".join(conditions)))


def measure(texts: Texts, runs: int, steps: int) -> dict[str, list[Run]]:
    """Every arm of ARMS, by turns."""
    return by_turns(
        {name: partial(run, arm, texts, steps) for name, arm in ARMS.items()},
        runs,
    )


def table(results: dict[str, list[Run]], title: str) -> Table:
    """Speed of every arm, and how many times as fast the library is."""
    made = Table(title=title)
    columns = ("arm", "positions/text", "samples/s", "min–max", "library / arm", "min–max")
    for column in columns:
        made.add_column(column, justify="left" if column == "arm" else "right")
    library = [one.samples_per_second for one in results[LIBRARY]]
    for name, runs in results.items():
        speeds = [one.samples_per_second for one in runs]
        positions = statistics.median(one.positions for one in runs)
        made.add_row(
            name,
            f"{positions:.1f}",
            *spread(speeds, 1),
            *spread(ratios(library, speeds), 2),
        )
    return made


if __name__ == "__main__":
    main()
