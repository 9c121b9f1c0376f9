"""The leak audit as a person reads it on the terminal: what is broken first and loud."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from emotion_slm.audit.near_duplicates import COSINE, JACCARD


def screen(result: dict) -> Group:
    """A result of `leakage.audit`: verdict, broken rules, what was not checked, findings."""
    broken = {rule: count for rule, count in result["must_be_zero"].items() if count}
    kept = [rule for rule, count in result["must_be_zero"].items() if not count]
    not_checked = result.get("not_checked", {})
    parts: list[RenderableType] = [_verdict(len(broken), len(kept), len(not_checked))]
    if broken:
        parts.append(_broken_rules(broken, result["examples"]))
    if not_checked:
        parts.append(_reasons(not_checked))
    if kept:
        names = ", ".join(_words(rule) for rule in kept)
        parts += [Rule("[green]✓ Zero, as it must be[/]", align="left"), Text(names, style="dim")]
    findings = list(_findings(result["findings"]))
    if findings:
        parts += [Rule("Findings: reported, never failed", align="left"), *findings]
    return Group(*parts)


def _verdict(broken: int, kept: int, not_checked: int) -> Panel:
    if broken:
        words = f"✗ LEAK AUDIT FAILED: {broken} of {broken + kept} rules broken"
        style = "bold red"
    elif not_checked:
        words, style = f"? Leak audit incomplete: {kept} rules hold", "bold yellow"
    else:
        words, style = f"✓ Leak audit passed: {kept} rules hold", "bold green"
    if not_checked:
        words += f", {not_checked} {'part' if not_checked == 1 else 'parts'} not checked"
    return Panel(Text(words), style=style)


def _broken_rules(broken: dict[str, int], examples: dict[str, list[str]]) -> Table:
    table = Table(style="red", header_style="bold red", expand=True)
    table.add_column("must be zero", ratio=5)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("such as", ratio=4)
    for rule, count in broken.items():
        # Ids come from data: shown, never obeyed as markup.
        such_as = Text(", ".join(examples.get(rule, ())))
        table.add_row(Text(f"✗ {_words(rule)}", style="bold red"), f"{count:,}", such_as)
    return table


def _reasons(not_checked: dict[str, str]) -> Table:
    table = Table(style="yellow", header_style="bold yellow", expand=True)
    table.add_column("not checked", no_wrap=True)
    table.add_column("because", ratio=1)
    for part, reason in not_checked.items():
        table.add_row(f"? {_words(part)}", Text(reason))
    return table


def _findings(findings: dict) -> Iterator[RenderableType]:
    """The numbers, a line each, then the near-duplicates as a table."""
    numbers = Table.grid(padding=(0, 2))
    for name, value in findings.items():
        if name != "near_duplicates" and value != {}:
            numbers.add_row(_words(name), Text(_shown(value)))
    if numbers.row_count:
        yield numbers
    if findings.get("near_duplicates"):
        yield _near_duplicates(findings["near_duplicates"])


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return " · ".join(f"{_words(key)} {_shown(inner)}" for key, inner in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _near_duplicates(near_duplicates: dict) -> Table:
    """One line per kind and pair of splits: rows, the labels most concerned, a pair of ids."""
    titles = {
        "texts": f"by characters, Jaccard ≥ {JACCARD}",
        "vectors": f"by vector, cosine ≥ {COSINE}",
    }
    table = Table(title="Rows with a near-duplicate in another split", expand=True)
    table.add_column("", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("mostly", ratio=1)
    table.add_column("such as", no_wrap=True)
    for kind, pairs in near_duplicates.items():
        table.add_section()
        table.add_row(Text(titles[kind], style="bold"))
        for pair, found in pairs.items():
            ranked = sorted(found["per_label"].items(), key=lambda item: (-item[1], item[0]))
            mostly = ", ".join(f"{label} {count:,}" for label, count in ranked[:3])
            such_as = " ~ ".join(found["examples"][0]) if found["examples"] else ""
            table.add_row(f"  {_words(pair)}", f"{found['rows']:,}", mostly, Text(such_as))
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")
