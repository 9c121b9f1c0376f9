"""The released model's own lineage, in a clone that has pulled nothing else."""

import subprocess
import sys
from pathlib import Path

from emotion_slm.workbench.lineage import trace
from emotion_slm.workbench.lineage_evidence import Verdict

ROOT = Path(__file__).parents[2]


def test_a_clone_verifies_the_released_model(tmp_path, monkeypatch):
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], check=True)
    monkeypatch.chdir(tmp_path / "clone")
    command = [sys.executable, "-m", "dvc", "pull", "--quiet", "models/classifier"]
    subprocess.run(command, check=True)
    found = trace(Path("models/classifier"))
    assert found.differing == []
    assert found.revisions and found.code[0].verdict is Verdict.VERIFIED
    assert {evidence.verdict for evidence in found.data} == {Verdict.ABSENT}
    assert {evidence.verdict for evidence in found.base} == {Verdict.VERIFIED}
