import shutil

import pytest
from support.lineage import create_lineage


@pytest.fixture(scope="session")
def pristine_lineage(tmp_path_factory):
    root = tmp_path_factory.mktemp("lineage") / "repository"
    create_lineage(root)
    return root


@pytest.fixture
def repository(pristine_lineage, tmp_path, monkeypatch):
    """A copy of a repository that made a model, the working directory."""
    root = shutil.copytree(pristine_lineage, tmp_path / "repository")
    monkeypatch.chdir(root)
    return root
