"""Stage tables: the results files → table.md, the tables that RESULTS.md shows."""

from pathlib import Path

import pandas as pd
from markdown_tables import decimals, sections, signed, table

from balance_ablation.names import (
    ADAPTED,
    BALANCINGS,
    FROZEN,
    LINEAR,
    LOSSES,
    NONE,
    SHRUNKEN,
    THRESHOLDS,
)
from balance_ablation.places import CONTRASTS, DIFFERENCES, RATES, RESULTS
from emotion_slm.common.files import read_json

OUTPUT = Path("table.md")
F1 = [f"macro_f1_{kind}" for kind in THRESHOLDS]
MORE = [f"micro_f1_{SHRUNKEN}", "map"]
HEADINGS = ["F1 at 0.5", "tuned", "shrunken", "micro-F1, shrunken", "mAP"]


def scores(results: pd.DataFrame, vectors: str) -> str:
    """Linear heads on one kind of vectors: means over seeds, and the seeds' range of macro-F1."""
    linear = results[(results["vectors"] == vectors) & (results["head"] == LINEAR)]
    rows = []
    for balancing in BALANCINGS:
        for loss, name in LOSSES.items():
            arm = linear[(linear["balancing"] == balancing) & (linear["loss"] == loss)]
            spread = arm[F1[-1]].max() - arm[F1[-1]].min()
            cells = [decimals(arm[column].mean()) for column in F1 + MORE]
            rows.append([balancing, name, f"{round(arm['rows'].mean()):,}", *cells])
            rows[-1].append(decimals(spread))
    return table(["balancing", "loss", "rows", *HEADINGS, "range of seeds"], rows)


def heads(results: pd.DataFrame) -> str:
    """Every head on unbalanced rows, means over seeds."""
    rows = [
        [vectors, head, LOSSES[loss], len(arm), *map(decimals, arm[F1 + MORE].mean())]
        for (vectors, head, loss), arm in results[results["balancing"] == NONE].groupby(
            ["vectors", "head", "loss"], sort=False
        )
    ]
    return table(["vectors", "head", "loss", "seeds", *HEADINGS], rows)


def against_none(differences: pd.DataFrame, vectors: str) -> str:
    """Macro-F1 of each balancing minus none, linear heads."""
    chosen = differences[(differences["vectors"] == vectors) & (differences["head"] == LINEAR)]
    return _by_thresholds(chosen, ["balancing", "loss"])


def contrasts(frame: pd.DataFrame) -> str:
    return _by_thresholds(frame, ["contrast", "loss"])


def counts(differences: pd.DataFrame) -> str:
    """How many intervals exclude 0, and how many would by chance if nothing had any effect."""
    rows = []
    for (vectors, kind), block in differences[differences["head"] == LINEAR].groupby(
        ["vectors", "thresholds"], sort=False
    ):
        rows.append([vectors, kind, *_counted(block)])
    rows.append(["all", "all", *_counted(differences)])
    head = ["vectors", "thresholds", "comparisons", "above 0", "below 0", "by chance, each side"]
    return table([*head, "above, corrected", "below, corrected"], rows)


def rates(content: dict) -> str:
    """Validation mAP of none with BCE at each learning rate tried."""
    rows = [
        [vectors, head, ", ".join(f"{rate}: {decimals(score)}" for rate, score in scores.items())]
        for vectors, heads in content["validation_map"].items()
        for head, scores in heads.items()
    ]
    return table(["vectors", "head", "rate: validation mAP"], rows)


def read_tables(folder: Path) -> dict[str, str]:
    """Name of a table → its Markdown, from the results files in `folder`."""
    results = pd.read_csv(folder / RESULTS)
    differences = pd.read_csv(folder / DIFFERENCES)
    return {
        "adapted scores": scores(results, ADAPTED),
        "frozen scores": scores(results, FROZEN),
        "adapted differences": against_none(differences, ADAPTED),
        "frozen differences": against_none(differences, FROZEN),
        "counts": counts(differences),
        "heads": heads(results),
        "contrasts": contrasts(pd.read_csv(folder / CONTRASTS)),
        "rates": rates(read_json(folder / RATES)),
    }


def cell(row) -> str:
    """A difference and its interval, starred where 0 stays excluded after correction."""
    star = "\\*" if row.clear else ""
    return f"{signed(row.difference)} [{signed(row.low)}, {signed(row.high)}]{star}"


def _by_thresholds(frame: pd.DataFrame, keys: list[str]) -> str:
    rows = []
    for (name, loss), block in frame.groupby(keys, sort=False):
        by_kind = {row.thresholds: cell(row) for row in block.itertuples()}
        rows.append([name, LOSSES[loss], *(by_kind[kind] for kind in THRESHOLDS)])
    return table([*keys, *THRESHOLDS], rows)


def _counted(block: pd.DataFrame) -> list:
    above, below = block["low"] > 0, block["high"] < 0
    corrected = (above & block["clear"]).sum(), (below & block["clear"]).sum()
    return [len(block), above.sum(), below.sum(), f"{len(block) * 0.025:.1f}", *corrected]


def main() -> None:
    OUTPUT.write_text(sections(read_tables(Path())), encoding="utf-8")


if __name__ == "__main__":
    main()
