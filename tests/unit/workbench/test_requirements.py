import sys
from pathlib import Path

import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench import requirements
from emotion_slm.workbench.requirements import changes, kept, lock_of

RESOLVED = """\
# made by a resolver
zc-lockfile==4.0
torch==2.13.0+cpu
    # via emotion-slm
Flask==3.1.3  # via moto
tomli==2.5.0 ; python_version < "3.12"
"""


def test_pins_are_sorted_and_bare():
    assert lock_of(RESOLVED) == "Flask==3.1.3\ntomli==2.5.0\ntorch==2.13.0\nzc-lockfile==4.0\n"


def test_what_torch_s_cuda_build_brings_is_left_to_it():
    cuda = "triton==3.7.1\nnvidia-cublas==13.1\ncuda-bindings==13.5\nnvidia-nccl-cu13==2.29\n"
    assert lock_of(cuda + "nvidia-ml-py==13.6\ntritonclient==2.0\n") == (
        "nvidia-ml-py==13.6\ntritonclient==2.0\n"
    )


@pytest.mark.parametrize("line", ["numpy>=2", "-e .", "pkg @ file:///wheels/pkg.whl", "numpy=="])
def test_a_line_that_pins_nothing_is_named(line):
    with pytest.raises(EmotionSlmError, match="nothing was written") as error:
        lock_of(f"torch==2.13.0\n{line}\n")
    assert line in str(error.value)


@pytest.mark.parametrize("resolved", ["", "# nothing\n", "triton==3.7.1\n"])
def test_an_empty_result_is_an_error(resolved):
    with pytest.raises(EmotionSlmError, match="found no package"):
        lock_of(resolved)


def test_changes_are_listed_whatever_the_spelling():
    before, after = "Ruamel.yaml==1\nnumpy==1\nold==1\n", "ruamel-yaml==1\nnumpy==2\nnew==3\n"
    assert changes(before, after) == ["new new → 3", "numpy 1 → 2", "old 1 → gone"]


def test_torch_keeps_its_pin():
    assert kept("numpy==2\ntorch==2.13.0\ntorchvision==1\n") == "torch==2.13.0"
    with pytest.raises(EmotionSlmError, match="no pin of torch"):
        kept("numpy==2\ntorchvision==1\n")


def test_the_program_rewrites_the_lock_and_says_what_changed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("requirements.lock").write_text("torch==2.13.0\ntomli==2.4.0\n")
    Path("resolved.txt").write_text("torch==2.13.0+cpu\ntomli==2.5.0\n")
    monkeypatch.setattr(sys, "argv", ["requirements", "resolved.txt"])
    requirements.main()
    assert Path("requirements.lock").read_text() == "tomli==2.5.0\ntorch==2.13.0\n"
    assert capsys.readouterr().out == "tomli 2.4.0 → 2.5.0\n"
    Path("resolved.txt").write_text("numpy>=2\n")
    with pytest.raises(SystemExit):
        requirements.main()
    assert Path("requirements.lock").read_text() == "tomli==2.5.0\ntorch==2.13.0\n"


def test_the_committed_lock_is_of_its_own_form():
    lock = (Path(__file__).parents[3] / "requirements.lock").read_text()
    assert sorted(lock_of(lock).split()) == sorted(lock.split())
    assert kept(lock)
