"""Workspaces of the drills: the real pipeline, on a tiny random encoder and on MiniLM."""

import shutil
from pathlib import Path

import pytest
from support import runs
from support.tiny import create_tiny_workspace, read_params, write_params

from emotion_slm.workbench import workspace

CHECKPOINT_STEPS = {"adapt": 75, "finetune": 10}  # of about 230 and 35


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory, tiny_bert, backbone_params) -> Path:
    """A workspace in which nothing has run yet: the same code for every run. Trainings write
    checkpoints on their way."""
    folder = tmp_path_factory.mktemp("template") / "tiny"
    create_tiny_workspace(folder, backbone_params(tiny_bert))
    params = read_params(folder)
    for stage, steps in CHECKPOINT_STEPS.items():
        params["profiles"]["sample"][stage]["training"]["checkpoint_steps"] = steps
    write_params(folder, params)
    return folder


@pytest.fixture(scope="session")
def tiny_reference(tiny_template, tmp_path_factory) -> runs.Reference:
    return runs.leave_alone(shutil.copytree(tiny_template, tmp_path_factory.mktemp("run") / "tiny"))


@pytest.fixture(scope="session")
def minilm_template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "minilm"
    workspace.create(Path(), folder, profile="sample")
    return folder


@pytest.fixture(scope="session")
def minilm_reference(minilm_template, tmp_path_factory) -> runs.Reference:
    folder = tmp_path_factory.mktemp("run") / "minilm"
    return runs.leave_alone(shutil.copytree(minilm_template, folder))
