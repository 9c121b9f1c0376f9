"""The released model's own lineage, in a clone that has fetched nothing else."""

import subprocess
from pathlib import Path

from emotion_slm.workbench.lineage import trace
from emotion_slm.workbench.lineage_evidence import Verdict
from emotion_slm.workbench.release import fetch

ROOT = Path(__file__).parents[2]


def test_a_clone_verifies_the_released_model(tmp_path, monkeypatch):
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], check=True)
    monkeypatch.chdir(tmp_path / "clone")
    fetch(".", Path("models/classifier"))
    found = trace(Path("models/classifier"))
    # Between releases dvc.lock of the clone holds a newer model, which lineage says.
    assert [evidence for evidence in found.differing if evidence is not found.lock] == []
    assert found.revisions and found.code[0].verdict is Verdict.VERIFIED
    assert {evidence.verdict for evidence in found.data} == {Verdict.ABSENT}
    assert {evidence.verdict for evidence in found.base} == {Verdict.VERIFIED}
