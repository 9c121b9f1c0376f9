import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.disk import refusing

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.lock import exclusive

HOLD = """
import sys
from pathlib import Path
from emotion_slm.common.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stage.lock"


@pytest.fixture
def holder(path):
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_refused_and_names_the_first(path, holder):
    with pytest.raises(EmotionSlmError, match=f"process {holder.pid}"), exclusive(path):
        pass


def test_the_lock_of_a_killed_process_is_free(path, holder):
    holder.kill()
    holder.wait()
    with exclusive(path):
        assert path.read_text() == str(os.getpid())


def test_the_lock_is_free_again_after_an_error(path):
    with pytest.raises(RuntimeError), exclusive(path):
        raise RuntimeError
    with exclusive(path):
        pass


def test_a_lock_that_cannot_be_made_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", refusing(errno.EROFS))
    with pytest.raises(EmotionSlmError, match=r"\(Read-only file system\); make its folder writ"):
        exclusive(tmp_path / "stage.lock").__enter__()
