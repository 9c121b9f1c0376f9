"""A lineage as a tree on the terminal."""

from collections.abc import Iterable, Mapping

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from emotion_slm.workbench.lineage import Lineage
from emotion_slm.workbench.lineage_evidence import Evidence, Verdict
from emotion_slm.workbench.lineage_revisions import Revision

MARKS = {Verdict.VERIFIED: "✓", Verdict.ABSENT: "–", Verdict.DIFFERS: "✗"}
STYLES = {Verdict.VERIFIED: "green", Verdict.ABSENT: "yellow", Verdict.DIFFERS: "bold red"}


def screen(lineage: Lineage) -> Group:
    """Package, revisions, parameters, data and base weights, and the verdict below them."""
    profile, corpus, protocol = lineage.record.origin
    title = f"{lineage.folder}: profile {profile}, corpus {corpus}, {protocol} split"
    tree = Tree(Text(title, style="bold"))
    _branch(tree, "package", [*lineage.files, lineage.lock])
    made = _branch(tree, "code revision", lineage.code)
    for revision in lineage.revisions:
        made.add(Text(_words(revision)))
    if not lineage.revisions:
        made.add(Text("– no commit here has this model in its dvc.lock", style="yellow"))
    parameters = _branch(tree, "parameters", lineage.parameters)
    for name, value in lineage.record.provenance.parameters.items():
        parameters.add(Text(f"{name}: {_line(value)}", style="dim"))
    _branch(tree, "data", lineage.data)
    base = _branch(tree, "base weights", lineage.base)
    for model, recorded in lineage.record.provenance.base.items():
        base.add(Text(f"{model}, revision {recorded['revision'] or 'not recorded'}", style="dim"))
    return Group(tree, _verdict(lineage))


def _branch(tree: Tree, name: str, found: Iterable[Evidence]) -> Tree:
    branch = tree.add(Text(name, style="bold"))
    for evidence in found:
        mark = f"{MARKS[evidence.verdict]} {evidence.claim}"
        word = "" if evidence.verdict is Verdict.VERIFIED else f"{evidence.verdict}: "
        text = Text(mark, style=STYLES[evidence.verdict])
        branch.add(text.append(f"  {word}{evidence.detail}", style="not bold"))
    return branch


def _words(revision: Revision) -> str:
    tags = f" ({', '.join(revision.tags)})" if revision.tags else ""
    return f"held by {revision.commit[:9]}{tags} of {revision.date}: {revision.subject}"


def _verdict(lineage: Lineage) -> Text:
    counts = {
        verdict: sum(found.verdict is verdict for found in lineage.evidence) for verdict in Verdict
    }
    worst = next(
        verdict
        for verdict in (Verdict.DIFFERS, Verdict.ABSENT, Verdict.VERIFIED)
        if counts[verdict] or verdict is Verdict.VERIFIED
    )
    words = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return Text(f"{MARKS[worst]} {words}", style=STYLES[worst])


def _line(value: object) -> str:
    """Parameters on one line: `epochs 4, batch_size 32`, nested ones in brackets."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{key} ({_line(inner)})" if isinstance(inner, Mapping) else f"{key} {_line(inner)}"
            for key, inner in value.items()
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_line, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
