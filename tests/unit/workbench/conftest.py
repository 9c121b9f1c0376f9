import os
import shutil
from contextlib import chdir

import pytest
from dvc.repo import Repo
from support.lineage import create_lineage
from support.report import write_run
from support.repository import commit, create_repository, git

DVC_YAML = """\
stages:
  evaluate:
    cmd: python make.py
    deps: [make.py]
    params: [length]
    outs: [out]
    metrics:
      - metrics/test.json:
          cache: false
"""
MAKE = """\
import pathlib, re
length = int(re.search(r"[0-9]+", pathlib.Path("params.yaml").read_text())[0])
for folder in ("out", "metrics"):
    pathlib.Path(folder).mkdir(exist_ok=True)
pathlib.Path("out/zeros").write_bytes(bytes(length))
pathlib.Path("out/same").write_text("in every run")
pathlib.Path("metrics/test.json").write_text("{}")
"""


@pytest.fixture(scope="session")
def pristine_storage(tmp_path_factory):
    """Two runs, each committed: outputs of 1000 and of 2000 bytes, and 12 that both have."""
    root = tmp_path_factory.mktemp("storage") / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    Repo.init(str(root))
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "make.py").write_text(MAKE)
    for length in (1000, 2000):
        (root / "params.yaml").write_text(f"length: {length}\n")
        with chdir(root), Repo() as repo:  # in this process: a start of `dvc` takes a second
            repo.reproduce()
        commit(root, f"run of {length}")
    return root


@pytest.fixture
def stored(pristine_storage, tmp_path, monkeypatch):
    """A copy of the repository, the working directory; its cache's objects have no other links."""
    root = shutil.copytree(pristine_storage, tmp_path / "repository")
    monkeypatch.chdir(root)
    monkeypatch.setattr(os, "environ", {**os.environ, "COLUMNS": "120"})
    return root


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


@pytest.fixture(scope="session")
def pristine_repository(tmp_path_factory):
    root = tmp_path_factory.mktemp("repository") / "clone"
    create_repository(root)
    return root


@pytest.fixture
def repository(pristine_repository, tmp_path, monkeypatch):
    """A clone of a repository with commits `first` and `base`, and the working directory."""
    root = shutil.copytree(pristine_repository, tmp_path / "clone")
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="session")
def pristine_lineage(tmp_path_factory):
    root = tmp_path_factory.mktemp("lineage") / "repository"
    create_lineage(root)
    return root


@pytest.fixture
def traced(pristine_lineage, tmp_path, monkeypatch):
    """A copy of a repository that made a model, the working directory."""
    root = shutil.copytree(pristine_lineage, tmp_path / "repository")
    monkeypatch.chdir(root)
    return root
