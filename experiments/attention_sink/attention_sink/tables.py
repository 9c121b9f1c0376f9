"""The results files as the tables of RESULTS.md."""

import csv
from pathlib import Path

from markdown_tables import decimals, signed, table

CLASSIFIERS = {
    "linear": "linear probe",
    "mlp": "projection and output, no SLM",
    "minilm-none": "MiniLM, the vector alone",
    "minilm-cls": "MiniLM, after [CLS]",
    "smollm2-none": "SmolLM2, the vector alone",
    "smollm2-bos": "SmolLM2, after BOS",
}
BACKBONES = {
    "smollm2": "SmolLM2",
    "smollm2-random": "SmolLM2, random weights",
    "minilm": "MiniLM",
}
PREFIXES = {"none": "alone", "bos": "second"}


def read_tables(folder: Path) -> dict[str, str]:
    """Name of a table → its Markdown, from the results files in `folder`."""
    return {
        "arms": arms(folder),
        "differences": differences(folder),
        "inputs": inputs(folder),
        "layers": layers(folder),
    }


def arms(folder: Path) -> str:
    """A line per arm: its score, and what varied of its last states once trained."""
    curves = read(folder / "curves.csv")
    lines = []
    for row in read(folder / "results.csv"):
        varies = {line["seed"]: line["varies"] for line in curves if line["name"] == row["name"]}
        shares = sorted(float(share) for share in varies.values() if share)
        lines.append(
            [
                CLASSIFIERS[row["name"]],
                row["seeds"],
                f"{figure(row['map'])} [{figure(row['low'])}, {figure(row['high'])}]",
                span(figure(row["low_seed"]), figure(row["high_seed"])),
                span(percent(shares[0]), percent(shares[-1])) if shares else "",
            ]
        )
    return table(["classifier", "seeds", "mAP", "seeds span", "energy that varies"], lines)


def differences(folder: Path) -> str:
    return table(
        ["first", "second", "seeds", "mAP, first − second"],
        [
            [
                CLASSIFIERS[row["first"]],
                CLASSIFIERS[row["second"]],
                row["seeds"],
                f"{signed(float(row['difference']))} "
                f"[{signed(float(row['low']))}, {signed(float(row['high']))}]",
            ]
            for row in read(folder / "differences.csv")
        ],
    )


def inputs(folder: Path) -> str:
    return table(
        ["SLM", "position", "input", "its length", "last state's length", "energy that varies",
         "mean cosine"],
        [
            [
                BACKBONES[row["backbone"]],
                PREFIXES[row["prefix"]],
                row["input"],
                f"{float(row['input_norm']):.2f}",
                f"{float(row['norm']):.1f}",
                percent(float(row["varies"])),
                f"{float(row['cosine']):.4f}".removeprefix("0"),
            ]
            for row in read(folder / "inputs.csv")
        ],
    )  # fmt: skip


def layers(folder: Path) -> str:
    """By case: the longest state and after which layer; what varies from the input to the last."""
    rows = read(folder / "layers.csv")
    lines = []
    for backbone, prefix in dict.fromkeys((row["backbone"], row["prefix"]) for row in rows):
        own = [row for row in rows if (row["backbone"], row["prefix"]) == (backbone, prefix)]
        longest = max(own, key=lambda row: float(row["norm"]))
        halfway = own[len(own) // 2]
        lines.append(
            [
                BACKBONES[backbone],
                PREFIXES[prefix],
                f"{float(longest['norm']):,.1f}",
                longest["layer"],
                percent(float(own[0]["varies"])),
                percent(float(halfway["varies"])),
                percent(float(own[-1]["varies"])),
            ]
        )
    head = ["SLM", "position", "longest state", "after layer", "input varies", "halfway", "last"]
    return table(head, lines)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figure(value: str) -> str:
    return decimals(float(value))


def span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def percent(share: float) -> str:
    """A share in per cent, in two significant digits; less than .001 % is called so."""
    if share < 1e-5:
        return "< .001 %"
    hundred = 100 * share
    return f"{hundred:.0f} %" if hundred >= 10 else f"{hundred:.2g} %".removeprefix("0")
