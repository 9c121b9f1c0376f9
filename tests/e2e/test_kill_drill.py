"""Killed at random moments of every stage, the pipeline ends in the bytes of one left alone."""

import os
import secrets
import shutil
from pathlib import Path

import pytest
from support import kills

from emotion_slm import workspace

SEED = "DRILL_SEED"  # names a failure's kills, to repeat them
COUNTS = (1, 2, 1)  # kills of every stage, by round: 36 in all
LEAST = 30


def kill_and_compare(
    create, reference: kills.Undisturbed, folder: Path, seed: int, counts: tuple[int, ...]
) -> list[kills.Kill]:
    """Rounds of a run that is killed and goes on, and at last is let through."""
    made = []
    for plan in kills.rounds(seed, reference, counts):
        create(folder)
        for stage, moment, number in plan:
            made.append(kills.kill(folder, stage, moment, number))
            kills.check_finished(folder, reference)
        kills.complete(folder)
        assert (folder / "dvc.lock").read_bytes() == reference.lock
        assert kills.hashes(folder) == reference.files
        assert not list((folder / ".scratch").rglob("*.part*"))
        shutil.rmtree(folder)
    return made


@pytest.mark.drill
def test_killed_at_random_moments_of_every_stage_it_ends_in_the_same_bytes(tmp_path, capsys):
    seed = int(os.environ.get(SEED, secrets.randbelow(1_000_000)))
    with capsys.disabled():
        print(f"\n{SEED}={seed}")

    def create(folder: Path) -> None:
        workspace.create(Path(), folder, profile="sample")

    create(tmp_path / "undisturbed")
    reference = kills.undisturbed(tmp_path / "undisturbed")
    made = kill_and_compare(create, reference, tmp_path / "killed", seed, COUNTS)
    landed = [kill for kill in made if kill.landed]
    with capsys.disabled():
        print(kills.table(made, list(reference.seconds)))
    assert len(landed) >= LEAST
    assert {kill.landed for kill in landed} == set(reference.seconds)
