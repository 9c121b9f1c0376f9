import shutil

import pytest
from support.repository import create_repository


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
