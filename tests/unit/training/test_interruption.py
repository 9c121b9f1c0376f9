"""Trainings killed at random points and run again end in the bits of one that was left alone."""

import json
import os
import signal

import numpy as np
import pytest
from support.victims import Case, Death, forking, train

MOMENTS = ("before_step", "before_update", "in_validation", "before_rename", "after_rename")


@pytest.fixture(scope="module")
def processes():
    return forking()


@pytest.fixture(params=["text", "vectors"])
def case(request, tiny_bert, encoder_params, emotion_frame, training_params) -> Case:
    options = {"schedule": "cosine", "warmup_ratio": 0.1, "checkpoint_steps": 2, "epochs": 4}
    if request.param == "vectors":
        return Case(training_params(**options))
    params = training_params(**options, precision="bfloat16")
    return Case(params, emotion_frame(24), encoder_params(tiny_bert))


@pytest.fixture
def attempt(processes, case, tmp_path):
    """Function: (folder, death, killer) → exit status and result of one process.

    `killer`: (step, signal) that the process's group is sent once that step has begun.
    """

    def once(folder, death=None, killer=None):
        result = tmp_path / f"{folder}.json"
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(
            target=train, args=(case, tmp_path / folder, result, death, theirs)
        )
        process.start()
        theirs.close()
        try:
            while True:
                step = ours.recv()
                if killer is not None and step >= killer[0]:
                    os.killpg(process.pid, killer[1])
        except EOFError:
            process.join()
        return process.exitcode, json.loads(result.read_text()) if result.exists() else None

    return once


def random_deaths(seed: int, bytes_written: int) -> list[Death]:
    """One of every kind, in random order, and two more amid the writing of a checkpoint."""
    generator = np.random.default_rng(seed)
    deaths = [Death(moment, int(generator.integers(1, 4))) for moment in MOMENTS[:2]]
    deaths += [Death(moment) for moment in MOMENTS[2:]]
    deaths += [Death("in_write", int(generator.integers(bytes_written))) for _ in range(2)]
    return [deaths[index] for index in generator.permutation(len(deaths))]


def check_killed_training(attempt, tmp_path, seed: int) -> None:
    status, straight = attempt("straight")
    assert status == 0
    (checkpoint,) = (tmp_path / "straight").iterdir()
    size = sum(path.stat().st_size for path in checkpoint.iterdir())
    for death in random_deaths(seed, size):
        assert attempt("killed", death) == (-signal.SIGKILL, None), death
    for number in (signal.SIGKILL, signal.SIGTERM):
        assert attempt("killed", Death("external"), (15, number)) == (-number, None)
    assert attempt("killed") == (0, straight)


def test_killed_training_ends_in_the_same_bits(attempt, tmp_path):
    check_killed_training(attempt, tmp_path, seed=1)


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(2, 12))
def test_training_killed_at_many_other_points_does_too(attempt, tmp_path, seed):
    check_killed_training(attempt, tmp_path, seed)
