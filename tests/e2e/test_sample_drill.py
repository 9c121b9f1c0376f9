"""The sample profile on the real MiniLM ends in the same bytes, whoever runs or kills it."""

import os
import secrets
import shutil
from pathlib import Path

import pytest
from support import kills
from support.elsewhere import move_in

from emotion_slm.workbench import workspace

pytestmark = pytest.mark.drill
SEED = "DRILL_SEED"  # environment variable: repeats the moments of an earlier drill
COUNTS = (1, 2, 1)  # kills of every stage, by round: 36 in all
LEAST = 30


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A workspace in which nothing has run yet: the same code for every run of the drill."""
    folder = tmp_path_factory.mktemp("template") / "workspace"
    workspace.create(Path(), folder, profile="sample")
    return folder


@pytest.fixture(scope="module")
def reference(template, tmp_path_factory):
    return kills.undisturbed(shutil.copytree(template, tmp_path_factory.mktemp("run") / "alone"))


def kill_and_compare(
    template: Path,
    reference: kills.Undisturbed,
    folder: Path,
    seed: int,
    counts: tuple[int, ...],
) -> list[kills.Kill]:
    """Rounds of a run that is killed and goes on, and at last is let through.

    A stage that no earlier round met, being too short, is met in the last one as it begins.
    """
    made, order = [], list(reference.seconds)
    for number_of_round, plan in enumerate(kills.rounds(seed, reference, counts), start=1):
        met = {one.landed for one in made}
        shutil.copytree(template, folder)
        for stage, moment, number in plan:
            targets = order[order.index(stage) :]
            if number_of_round == len(counts) and stage not in met:
                moment = 0.0
            made.append(kills.kill(folder, targets, moment, number))
            kills.check_finished(folder, reference)
        kills.complete(folder)
        assert (folder / "dvc.lock").read_bytes() == reference.lock
        assert kills.hashes(folder) == reference.files
        assert not list((folder / ".scratch").rglob("*.part*"))
        shutil.rmtree(folder)
    return made


def test_somebody_else_gets_the_same_files(template, reference, tmp_path, monkeypatch):
    folder = shutil.copytree(template, tmp_path / "else where")
    move_in(monkeypatch, tmp_path / "home")
    kills.complete(folder)
    assert (folder / "dvc.lock").read_bytes() == reference.lock
    assert kills.hashes(folder) == reference.files


def test_killed_at_random_moments_of_every_stage_it_ends_in_the_same_files(
    template, reference, tmp_path, capsys
):
    seed = int(os.environ.get(SEED, secrets.randbelow(1_000_000)))
    with capsys.disabled():
        print(f"\n{SEED}={seed}", flush=True)
    made = kill_and_compare(template, reference, tmp_path / "killed", seed, COUNTS)
    landed = [kill.landed for kill in made if kill.landed]
    with capsys.disabled():
        print(kills.table(made, list(reference.seconds)))
    assert len(landed) >= LEAST
    assert set(landed) == set(reference.seconds)
