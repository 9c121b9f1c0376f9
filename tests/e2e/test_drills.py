"""Drills on the real MiniLM: minutes each, run by `make drills`."""

from pathlib import Path

import pytest

from emotion_slm import workspace


@pytest.mark.drill
def test_two_cold_runs_of_the_sample_profile_give_the_same_lock(tmp_path):
    for name in ("first", "second"):
        workspace.create(Path(), tmp_path / name, profile="sample")
        workspace.repro(tmp_path / name)
    first, second = (tmp_path / name / "dvc.lock" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
