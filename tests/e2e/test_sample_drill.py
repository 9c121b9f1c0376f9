"""The sample profile ends in the same bytes, whoever runs it and whenever it is killed."""

import os
import secrets
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support import runs
from support.runs import Kill, Moment, Reference

SEED = "DRILL_SEED"  # environment variable: repeats the moments of an earlier drill
# The short form repeats moments of which one left an empty entry in the run-cache; drills draw.
SHORT_SEED = 253795
TERMINATED = 0.25  # share of kills by SIGTERM, the others by SIGKILL


@pytest.mark.drill
def test_somebody_else_gets_the_same_files(
    minilm_template, minilm_reference, tmp_path, monkeypatch
):
    folder = shutil.copytree(minilm_template, tmp_path / "else where")
    runs.as_somebody_else(monkeypatch, tmp_path / "home")
    runs.assert_ends_as(minilm_reference, folder)


def kill_and_compare(
    template: Path, reference: Reference, folder: Path, seed: int, counts: Sequence[int]
) -> list[list[Kill]]:
    """Rounds of a run that is killed `counts[round]` times in every stage, goes on after each kill,
    and is let through at last."""
    generator, order, rounds = np.random.default_rng(seed), list(reference.events), []
    for count in counts:
        shutil.copytree(template, folder)
        kills = []
        for stage in np.repeat(order, count):
            kind = signal.SIGTERM if generator.random() < TERMINATED else signal.SIGKILL
            events = reference.events[stage]  # each as often as any other: most are DVC's locks
            number = 1 + events.index(generator.choice(list(dict.fromkeys(events))))
            kills.append(runs.kill(folder, Moment(order[order.index(stage) :], number, kind)))
            runs.assert_finished_is_whole(folder, reference)
        runs.assert_ends_as(reference, folder)
        assert not list((folder / ".scratch").rglob("*.part*"))
        shutil.rmtree(folder)
        rounds.append(kills)
    return rounds


def table(kills: Sequence[Kill], reference: Reference) -> str:
    """Markdown: kills by stage and signal, and the events before which they fell."""
    rows = ["| stage | SIGKILL | SIGTERM | killed at |", "|---|---|---|---|"]
    for stage in reference.events:
        own = [kill for kill in kills if kill.landed == stage]
        numbers = [sum(kill.moment.signal == kind for kill in own) for kind in
                   (signal.SIGKILL, signal.SIGTERM)]  # fmt: skip
        events = ", ".join(f"`{kill.event}`" for kill in own)
        rows.append(f"| {stage} | {numbers[0]} | {numbers[1]} | {events} |")
    late = sum(kill.landed is None for kill in kills)
    repaired = [kill.repaired.strip() for kill in kills if kill.repaired]
    return "\n".join([*rows, f"\ntoo late: {late}; repaired by fsck: {len(repaired)}", *repaired])


@pytest.mark.parametrize(
    ("model", "counts", "own_seed"),
    [
        pytest.param("tiny", [1], SHORT_SEED, marks=pytest.mark.slow),
        pytest.param("tiny", [1, 2], None, marks=pytest.mark.drill),
        pytest.param("minilm", [1], None, marks=pytest.mark.drill),
    ],
)
def test_killed_at_random_moments_of_every_stage_it_ends_in_the_same_files(
    request, tmp_path, model, counts, own_seed
):
    drawn = secrets.randbelow(1_000_000) if own_seed is None else own_seed
    seed = int(os.environ.get(SEED, drawn))
    print(f"{SEED}={seed}")
    template, reference = (
        request.getfixturevalue(f"{model}_{what}") for what in ("template", "reference")
    )
    rounds = kill_and_compare(template, reference, tmp_path / "killed", seed, counts)
    print(table([kill for kills in rounds for kill in kills], reference))
    # In the first round nothing is left of an earlier attempt: each kill falls where it was aimed.
    assert [kill.landed for kill in rounds[0]] == list(np.repeat(list(reference.events), counts[0]))
