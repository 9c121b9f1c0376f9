"""The lineage of a packaged model: its parts, each with the evidence for it."""

from pathlib import Path
from typing import NamedTuple

from emotion_slm.workbench import (
    lineage_evidence as package,
)
from emotion_slm.workbench import (
    lineage_origins as origins,
)
from emotion_slm.workbench import (
    lineage_revisions as revisions,
)
from emotion_slm.workbench.dvc_store import LOCK
from emotion_slm.workbench.lineage_evidence import (
    Evidence,
    Record,
    Verdict,
    dvc_hash,
    read_record,
    short,
)
from emotion_slm.workbench.lineage_revisions import Revision
from emotion_slm.workbench.revisions import WorkingTree


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
    revisions: list[Revision]
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
    md5 = dvc_hash(folder)
    holding = revisions.holding(md5)
    made = revisions.maker(holding, md5)
    code, parameters = [], []
    if made:
        side, locked, evidence = made
        code = [evidence]
        parameters = [revisions.parameters(record.provenance.parameters, side, locked)]
    return Lineage(
        folder=folder,
        md5=md5,
        record=record,
        files=package.files(folder, record),
        lock=_locked(folder, md5),
        revisions=holding,
        code=code,
        parameters=parameters,
        data=origins.data(record),
        base=origins.base_weights(record),
    )


def _locked(folder: Path, md5: str) -> Evidence:
    """Whether dvc.lock of the working directory holds the folder as it is."""
    locked = revisions.read_lock(WorkingTree())
    if locked is None:
        return Evidence(str(LOCK), Verdict.ABSENT, "no such file")
    expected = next(
        (found for path, found in locked.outs.items() if Path(path).resolve() == folder.resolve()),
        None,
    )
    if expected is None:
        return Evidence(str(LOCK), Verdict.ABSENT, f"names no output {folder}")
    if expected == md5:
        return Evidence(str(LOCK), Verdict.VERIFIED, f"holds this folder, MD5 {short(md5)}")
    return Evidence(str(LOCK), Verdict.DIFFERS, f"holds {short(expected)}, this is {short(md5)}")
