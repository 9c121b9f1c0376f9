from pathlib import Path

import pytest

from emotion_slm.common.paths import project_root


@pytest.mark.parametrize(("folder", "way"), [(".", "."), ("src", ".."), ("src/a/b", "../../..")])
def test_the_root_is_the_nearest_folder_upwards_with_a_pipeline(tmp_path, monkeypatch, folder, way):
    for root in (tmp_path, tmp_path / "project"):
        (root / "src/a/b").mkdir(parents=True)
        (root / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path / "project" / folder)
    assert project_root() == Path(way)


def test_outside_a_project_it_is_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_root() == Path()
