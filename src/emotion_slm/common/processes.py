"""Which of several training processes this one is; alone unless `accelerate launch` started it."""

import ctypes
import os
import signal
import sys
from pathlib import Path

from emotion_slm.common.errors import EmotionSlmError

PR_SET_PDEATHSIG = 1  # Linux's name and number for: a signal when the parent dies


def rank() -> int:
    """0 for the process that writes outputs and speaks to people."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def launched() -> bool:
    """Whether `accelerate launch` started this process."""
    return "ACCELERATE_MIXED_PRECISION" in os.environ


def relaunch(config: str, module: str) -> None:
    """Become `accelerate launch` of `module` with this config file; at once if it is "none".

    The process is replaced, its number kept: who started it waits for, and can end, the training.
    A process that was launched ends with its launcher.
    """
    if launched():
        _end_with_parent()
        return
    if config == "none":
        return
    if not Path(config).is_file():
        raise EmotionSlmError(f"training.launch: {config}: no such accelerate config file")
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", config]
    os.execv(sys.executable, [*command, "-m", module])


def _end_with_parent() -> None:
    """The launcher puts each process in a session of its own, which a kill of its group misses."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
