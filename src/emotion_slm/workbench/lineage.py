"""The lineage of a packaged model: its parts, each with the evidence for it, as a tree."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from emotion_slm.workbench import lineage_commits as commits
from emotion_slm.workbench import lineage_evidence as evidences
from emotion_slm.workbench.dvc_lock import LOCK, read_lock
from emotion_slm.workbench.lineage_commits import Holder
from emotion_slm.workbench.lineage_evidence import Evidence, Record, Verdict, read_record, short
from emotion_slm.workbench.repository import WorkingTree

MARKS = {Verdict.VERIFIED: "✓", Verdict.ABSENT: "–", Verdict.DIFFERS: "✗"}
STYLES = {Verdict.VERIFIED: "green", Verdict.ABSENT: "yellow", Verdict.DIFFERS: "bold red"}


class Lineage(NamedTuple):
    """Of the model in `folder`; `md5` is the hash by which DVC knows it.

    `revisions` hold it, the oldest first; `code` is empty where none of them, nor the working tree,
    says which code made it.
    """

    folder: Path
    md5: str
    record: Record
    files: list[Evidence]
    lock: Evidence
    revisions: list[Holder]
    code: list[Evidence]
    parameters: list[Evidence]
    data: list[Evidence]
    base: list[Evidence]

    @property
    def evidence(self) -> list[Evidence]:
        """All of it."""
        parts = (self.files, [self.lock], self.code, self.parameters, self.data, self.base)
        return [evidence for part in parts for evidence in part]

    @property
    def differing(self) -> list[Evidence]:
        return [found for found in self.evidence if found.verdict is Verdict.DIFFERS]


def trace(folder: Path) -> Lineage:
    """The lineage of the package in `folder`, held against the working directory and its git.

    EmotionSlmError when there is no package, or its config or a dvc.lock cannot be read.
    """
    record = read_record(folder)
    md5 = commits.package_md5(folder)
    holding = commits.holding(md5)
    made = commits.maker(holding, md5)
    code, parameters = [], []
    if made:
        side, locked, evidence = made
        code = [evidence]
        parameters = [commits.parameters(record.provenance.parameters, side, locked)]
    return Lineage(
        folder=folder,
        md5=md5,
        record=record,
        files=evidences.files(folder, record),
        lock=_locked(folder, md5),
        revisions=holding,
        code=code,
        parameters=parameters,
        data=evidences.data(record),
        base=evidences.base_weights(record),
    )


def _locked(folder: Path, md5: str) -> Evidence:
    """Whether dvc.lock of the working directory holds the folder as it is."""
    lock = read_lock(WorkingTree())
    if lock is None:
        return Evidence(str(LOCK), Verdict.ABSENT, "no such file")
    expected = next((o.md5 for o in lock.outs if o.path.resolve() == folder.resolve()), None)
    if expected is None:
        return Evidence(str(LOCK), Verdict.ABSENT, f"names no output {folder}")
    if expected == md5:
        return Evidence(str(LOCK), Verdict.VERIFIED, f"holds this folder, MD5 {short(md5)}")
    return Evidence(str(LOCK), Verdict.DIFFERS, f"holds {short(expected)}, this is {short(md5)}")


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


def _words(revision: Holder) -> str:
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
