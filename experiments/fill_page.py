"""Put an experiment's tables into its page of docs, between their markers.

    python experiments/fill_page.py EXPERIMENT

The page is written by hand around them; a test compares page and results.
"""

import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

EXPERIMENTS = Path(__file__).parent
# By experiment: the package whose tables.py has `read_tables(folder)`, and the page showing them.
PAGES = {
    "ablation": ("balance_ablation", "ablation.md"),
    "ingredients": ("ingredients", "ingredients.md"),
    "published_protocol": ("published_protocol", "leak.md"),
    "samplers": ("sampler_comparison", "samplers.md"),
}


def filled(page: str, tables: Mapping[str, str]) -> str:
    """`page` with every `<!-- table: NAME -->` … `<!-- end -->` holding the table of that name."""

    def block(match: re.Match) -> str:
        return f"{match[1]}\n\n{tables[match[2]]}\n<!-- end -->"

    return re.sub(r"(<!-- table: (.+?) -->).*?<!-- end -->", block, page, flags=re.DOTALL)


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in PAGES:
        raise SystemExit(f"usage: python experiments/fill_page.py {'|'.join(PAGES)}")
    folder = EXPERIMENTS / sys.argv[1]
    package, name = PAGES[sys.argv[1]]
    sys.path.insert(0, str(folder))
    page = EXPERIMENTS.parent / "docs" / name
    tables = import_module(f"{package}.tables").read_tables(folder)
    page.write_text(filled(page.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
