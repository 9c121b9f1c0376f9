"""Markdown of the tables that experiments write; each one's folder has a link to this file."""

from collections.abc import Mapping, Sequence


def table(head: Sequence, rows: Sequence[Sequence]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def sections(tables: Mapping[str, str]) -> str:
    """The tables of a file, each under its name."""
    return "\n".join(f"## {name}\n\n{content}" for name, content in tables.items())


def decimals(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def signed(value: float) -> str:
    """Three decimals with a sign, which shows on which side of 0 even +.000 and −.000 lie."""
    return ("−" if value < 0 else "+") + decimals(abs(value))
