"""Put an experiment's tables into its RESULTS.md and further pages, between their markers.

    python experiments/fill_page.py EXPERIMENT

The page is written by hand around them; a test compares page and results.
"""

import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

EXPERIMENTS = Path(__file__).parent
PAGE = "RESULTS.md"
# By experiment: the package whose tables.py has `read_tables(folder)`.
PACKAGES = {
    "ablation": "balance_ablation",
    "attention_sink": "attention_sink",
    "ingredients": "ingredients",
    "published_protocol": "published_protocol",
    "samplers": "sampler_comparison",
}
# Pages elsewhere that hold tables of an experiment.
FURTHER = {"attention_sink": (EXPERIMENTS / "../docs/understand/attention-sink.md",)}


def filled(page: str, tables: Mapping[str, str]) -> str:
    """`page` with every `<!-- table: NAME -->` … `<!-- end -->` holding the table of that name."""

    def block(match: re.Match) -> str:
        return f"{match[1]}\n\n{tables[match[2]]}\n<!-- end -->"

    return re.sub(r"(<!-- table: (.+?) -->).*?<!-- end -->", block, page, flags=re.DOTALL)


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in PACKAGES:
        raise SystemExit(f"usage: python experiments/fill_page.py {'|'.join(PACKAGES)}")
    folder = EXPERIMENTS / sys.argv[1]
    sys.path.insert(0, str(folder))
    tables = import_module(f"{PACKAGES[sys.argv[1]]}.tables").read_tables(folder)
    for page in (folder / PAGE, *FURTHER.get(sys.argv[1], ())):
        page.write_text(filled(page.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
