"""Stage adapt as a program: two processes against one, and killed at any moment against not."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.labels import SAMPLE
from support.tiny import read_params, write_params

from emotion_slm.common.files import read_json, write_json, write_parquet
from emotion_slm.common.params import Document, write_run
from emotion_slm.common.paths import RAW, RUN
from emotion_slm.corpus.labels import write_corpus

REPOSITORY = Path(__file__).parents[2]
TWO_ON_CPU = """\
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_GPU
use_cpu: true
num_machines: 1
machine_rank: 0
num_processes: 2
main_process_port: 0
mixed_precision: 'no'
"""


@pytest.fixture
def bert_without_dropout(tmp_path, tiny_bert) -> Path:
    """Every process draws a dropout of its own."""
    folder = shutil.copytree(tiny_bert, tmp_path / "bert")
    config = read_json(folder / "config.json")
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    write_json(folder / "config.json", config)
    return folder


@pytest.fixture
def prepare(tmp_path, bert_without_dropout, encoder_params, emotion_frame):
    """Function: (name, keys of `adapt.training`) → a workspace in which adapt can run."""

    def make(name: str, **training) -> Path:
        workspace = tmp_path / name
        workspace.mkdir()
        params = read_params(REPOSITORY)
        sample = params["profiles"]["sample"]
        params["profile"], params["threads"] = "sample", 1
        sample["encoder"] = encoder_params(bert_without_dropout).model_dump()
        sample["adapt"]["dropout"] = 0.0
        training = {"epochs": 2, "batch_size": 8, "precision": "float32"} | training
        sample["adapt"]["training"] |= training
        write_params(workspace, params)
        write_run(Document.read(workspace / "params.yaml").settings, workspace / RUN)
        (workspace / "two.yaml").write_text(TWO_ON_CPU)
        write_corpus(workspace / RAW, SAMPLE)
        # Batches of 8, 8, 8 and 1: the second process has no row of the last.
        write_parquet(workspace / "data/split/train.parquet", emotion_frame(25))
        write_parquet(workspace / "data/split/validation.parquet", emotion_frame(11, seed=1))
        return workspace

    return make


def start(workspace: Path) -> subprocess.Popen:
    """Stage adapt, leading a process group of its own."""
    path = os.pathsep.join(str(REPOSITORY / part) for part in ("src", "."))
    return subprocess.Popen(
        [sys.executable, "-m", "stages.adapt"],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(workspace: Path, status: int = 0) -> str:
    """Run stage adapt to its end; its messages."""
    process = start(workspace)
    _, messages = process.communicate()
    assert process.returncode == status, messages
    return messages


def curve(workspace: Path) -> list[list[float]]:
    with (workspace / "metrics/plots/adapt_curve.csv").open(newline="") as stream:
        return [[float(value) for value in row] for row in list(csv.reader(stream))[1:]]


@pytest.mark.slow
def test_two_processes_learn_what_one_does(prepare):
    one = prepare("one", accumulation=2)
    finish(one)
    two = prepare("two", accumulation=2, launch="two.yaml")
    assert finish(two).count("adapt: 25 rows, epoch") == 1
    for name in ("encoder.safetensors", "head.safetensors"):
        first, second = (load_file(folder / "models/adapted" / name) for folder in (one, two))
        assert first.keys() == second.keys()
        for key in first:
            if key.endswith("key.bias"):
                continue  # softmax cancels it: its gradient is rounding noise, which Adam scales up
            # float16 on disk: one unit in the last place.
            torch.testing.assert_close(second[key], first[key], atol=2e-4, rtol=2e-3)
    torch.testing.assert_close(
        torch.tensor(curve(two)), torch.tensor(curve(one)), atol=2e-4, rtol=0
    )
    assert not list((two / ".scratch/training").iterdir())


@pytest.mark.slow
def test_a_missing_config_file_is_named(prepare):
    messages = finish(prepare("lost", launch="accelerate/none.yaml"), status=1)
    assert "training.launch: accelerate/none.yaml: no such accelerate config file" in messages


def kill_once_at(workspace: Path, step: int, number: int) -> None:
    """Start adapt and end its process group once a checkpoint of `step` or later is there."""
    process = start(workspace)
    while process.poll() is None:
        checkpoints = (workspace / ".scratch/training").glob("*/checkpoint-*")
        steps = [int(path.stem.split("-")[1]) for path in checkpoints]
        if max(steps, default=0) >= step:
            os.killpg(process.pid, number)
            process.communicate()
            assert process.returncode != 0  # the launcher turns SIGTERM into a status of its own
            return
    raise AssertionError(process.communicate()[1])


@pytest.mark.drill
@pytest.mark.parametrize("launch", ["none", "two.yaml"])
def test_the_stage_killed_with_its_group_ends_in_the_same_files(prepare, launch):
    options = {"epochs": 60, "checkpoint_steps": 1, "launch": launch}
    straight, killed = prepare("straight", **options), prepare("killed", **options)
    finish(straight)
    generator = np.random.default_rng(5)
    for start_of_range in (1, 30, 60, 90, 120, 150):  # of 240 steps
        number = generator.choice([signal.SIGKILL, signal.SIGTERM])
        kill_once_at(killed, start_of_range + int(generator.integers(20)), int(number))
    assert "resuming from" in finish(killed)
    for name in ("models/adapted/encoder.safetensors", "metrics/plots/adapt_curve.csv"):
        assert (killed / name).read_bytes() == (straight / name).read_bytes()
