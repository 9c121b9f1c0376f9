import os

import pytest

from emotion_slm.common import processes
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.processes import launched, rank, relaunch, world_size


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def replaced(monkeypatch) -> list:
    """The commands this process would have become."""
    commands = []
    monkeypatch.setattr(os, "execv", lambda path, command: commands.append((path, command)))
    return commands


def test_alone_it_is_the_first_of_one():
    assert (rank(), world_size(), launched()) == (0, 1, False)


def test_a_launched_process_knows_its_place(monkeypatch):
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    assert (rank(), world_size(), launched()) == (2, 4, True)


def test_no_launcher_is_asked_for(replaced):
    relaunch("none", "stages.adapt")
    assert replaced == []


def test_the_process_becomes_the_launcher(replaced, tmp_path):
    config = tmp_path / "ddp.yaml"
    config.touch()
    relaunch(str(config), "stages.adapt")
    ((path, command),) = replaced
    assert path == processes.sys.executable == command[0]
    assert command[1:] == [
        "-m", "accelerate.commands.launch", "--config_file", str(config), "-m", "stages.adapt",
    ]  # fmt: skip


def test_a_launched_process_does_not_launch_again(replaced, monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    monkeypatch.setattr(processes, "_end_with_parent", lambda: None)
    relaunch("configs/accelerate/ddp_4_gpus.yaml", "stages.adapt")
    assert replaced == []


def test_a_missing_config_file_is_an_error(replaced):
    with pytest.raises(EmotionSlmError, match=r"training\.launch: absent\.yaml: no such"):
        relaunch("absent.yaml", "stages.adapt")
