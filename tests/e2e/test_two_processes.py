"""Stage adapt under `accelerate launch`: two CPU processes (gloo) against one."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.tiny import read_params, write_params

from emotion_slm.files import read_json, write_json, write_parquet

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
def adapt(tmp_path, bert_without_dropout, encoder_params, emotion_frame):
    """Function: (name, keys of `adapt.training`) → the finished run and its workspace."""

    def run(name: str, **training) -> tuple[subprocess.CompletedProcess, Path]:
        workspace = tmp_path / name
        workspace.mkdir()
        params = read_params(REPOSITORY)
        sample = params["profiles"]["sample"]
        params["profile"], params["threads"] = "sample", 1
        sample["encoder"] = encoder_params(bert_without_dropout).model_dump()
        sample["adapt"]["dropout"] = 0.0
        sample["adapt"]["training"] |= {"epochs": 2, "precision": "float32"} | training
        write_params(workspace, params)
        (workspace / "two.yaml").write_text(TWO_ON_CPU)
        # Batches of 8, 8, 8 and 1: the second process has no row of the last.
        write_parquet(workspace / "data/split/train.parquet", emotion_frame(25))
        write_parquet(workspace / "data/split/validation.parquet", emotion_frame(11, seed=1))
        path = os.pathsep.join(str(REPOSITORY / part) for part in ("src", "."))
        done = subprocess.run(
            [sys.executable, "-m", "stages.adapt"],
            cwd=workspace,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        return done, workspace

    return run


def curve(workspace: Path) -> list[list[float]]:
    with (workspace / "metrics/plots/adapt_curve.csv").open(newline="") as stream:
        return [[float(value) for value in row] for row in list(csv.reader(stream))[1:]]


def test_two_processes_learn_what_one_does(adapt):
    done, one = adapt("one", accumulation=2, ema_decay=0.5)
    assert done.returncode == 0, done.stderr
    done, two = adapt("two", accumulation=2, ema_decay=0.5, launch="two.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("adapt: 25 rows, epoch") == 1
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


def test_a_missing_config_file_is_named(adapt):
    done, _ = adapt("lost", launch="accelerate/none.yaml")
    assert done.returncode == 1
    assert "training.launch: accelerate/none.yaml: no such accelerate config file" in done.stderr
