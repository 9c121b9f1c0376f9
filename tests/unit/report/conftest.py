import shutil

import pytest
from support.report import write_run


@pytest.fixture(scope="session")
def pristine_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "workspace"
    write_run(folder)
    return folder


@pytest.fixture
def run(pristine_run, tmp_path, monkeypatch):
    """The root of a run's files, and the working directory."""
    root = shutil.copytree(pristine_run, tmp_path / "workspace")
    monkeypatch.chdir(root)
    return root
