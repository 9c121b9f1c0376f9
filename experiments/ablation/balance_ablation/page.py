"""Put the tables into docs/ablation.md, between their markers: `python -m balance_ablation.page`.

Not a stage: the page is written by hand around them. A test compares page and results.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from balance_ablation.tables import read_tables

PAGE = Path("../../docs/ablation.md")


def filled(page: str, tables: Mapping[str, str]) -> str:
    """`page` with every `<!-- table: NAME -->` … `<!-- end -->` holding the table of that name."""

    def block(match: re.Match) -> str:
        return f"{match[1]}\n\n{tables[match[2]]}\n<!-- end -->"

    return re.sub(r"(<!-- table: (.+?) -->).*?<!-- end -->", block, page, flags=re.DOTALL)


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(filled(page, read_tables(Path())), encoding="utf-8")


if __name__ == "__main__":
    main()
