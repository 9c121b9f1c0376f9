import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emotion_slm.cli.app import app
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.disk import Output, size, usage


def test_outputs_are_measured_by_lock_workspace_and_cache(stored):
    (output,) = usage().outputs  # the metrics file is git's, not DVC's
    assert output == Output("evaluate", Path("out"), locked=2012, here=2012, linked=0, cached=2012)


def test_an_output_that_is_nowhere_is_still_known_by_the_lock(stored):
    for path in (Path("out"), Path(".dvc/cache")):
        path.rename(stored.parent / path.name)
    (output,) = usage().outputs
    assert output[2:] == (2012, 0, 0, 0)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_links_and_copies_are_distinguished(stored, link):
    kept = stored / "kept"
    Path("out/zeros").rename(kept)
    link(kept, "out/zeros")
    (output,) = usage().outputs
    assert (output.here, output.linked) == (2012, 2000)


def test_places_are_the_cache_and_what_interrupted_runs_left(stored):
    for name, content in (
        (".scratch/training/adapt-1/checkpoint-5/model.safetensors", "four"),
        (".scratch/sample/models/x", "sixsix"),
    ):
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text(content)
    sizes = {str(place.path): place.size for place in usage().places}
    assert sizes[".scratch/training"] == 4 and sizes[".scratch/sample"] == 6
    assert sizes[".dvc/cache/files/md5"] > 1000 + 2000 + 12
    assert ".dvc/tmp/exps" not in sizes


def test_size_of_a_folder_a_file_a_link_and_of_nothing(stored):
    Path("link").symlink_to("out/zeros")
    assert [size(Path(name)) for name in ("out", "out/zeros", "link", "none")] == [2012, 2000, 0, 0]


def test_the_command_shows_both_tables(stored):
    output = CliRunner().invoke(app, ["disk"]).output
    assert "evaluate" in output and "2.0 kB" in output and ".dvc/cache/files/md5" in output


@pytest.mark.parametrize("content", [None, "stages: [", "stages: {a: {outs: [{path: out}]}}"])
def test_a_lock_that_is_none_is_an_error(stored, content):
    Path("dvc.lock").unlink()
    if content is not None:
        Path("dvc.lock").write_text(content)
    with pytest.raises(EmotionSlmError, match=r"dvc\.lock: .*dvc repro"):
        usage()


def test_outside_dvc_is_an_error_without_a_traceback(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["disk"])
    assert result.exit_code == 1 and "not a DVC workspace" in result.output
