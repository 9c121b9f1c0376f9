import shutil
from contextlib import chdir
from pathlib import Path

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


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Function: a folder → a copy of it, the working directory."""

    def copy(folder: Path) -> Path:
        root = shutil.copytree(folder, tmp_path / folder.name)
        monkeypatch.chdir(root)
        return root

    return copy


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
def stored(copied, pristine_storage, monkeypatch):
    """Those runs; their cache's objects have no other links."""
    monkeypatch.setenv("COLUMNS", "120")
    return copied(pristine_storage)


@pytest.fixture(scope="session")
def pristine_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "workspace"
    write_run(folder)
    return folder


@pytest.fixture
def run(copied, pristine_run):
    """The files of a run."""
    return copied(pristine_run)


@pytest.fixture(scope="session")
def pristine_repository(tmp_path_factory):
    root = tmp_path_factory.mktemp("repository") / "clone"
    create_repository(root)
    return root


@pytest.fixture
def repository(copied, pristine_repository):
    """A repository with commits `first` and `base`."""
    return copied(pristine_repository)


@pytest.fixture(scope="session")
def pristine_lineage(tmp_path_factory):
    root = tmp_path_factory.mktemp("lineage") / "repository"
    create_lineage(root)
    return root


@pytest.fixture
def traced(copied, pristine_lineage):
    """A repository that made a model."""
    return copied(pristine_lineage)
