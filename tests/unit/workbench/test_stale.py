import shutil

import pytest
from support.repository import dvc

from emotion_slm.workbench import stale


def test_a_lock_that_matches_needs_no_data(repository, capsys):
    (repository / "out.txt").unlink()  # a clone without data
    stale.main()
    assert "dvc.lock matches" in capsys.readouterr().err


def test_changed_code_is_found_and_named(repository, capsys):
    (repository / "stage.py").write_text("print('other')")
    with pytest.raises(SystemExit) as end:
        stale.main()
    assert end.value.code == 1
    assert "would run evaluate" in capsys.readouterr().err


def test_without_data_a_change_upstream_is_found_and_so_is_what_follows(repository):
    """DVC fails there, at a stage whose code changed too and whose input is not there."""
    first = "cmd: mkdir -p made && echo x > made/rows, deps: [stage.py], outs: [made]"
    later = "cmd: cp made/rows more, deps: [made/rows, stage.py], outs: [more]"
    stages = f"stages:\n  first: {{{first}}}\n  later: {{{later}}}\n"
    (repository / "dvc.yaml").write_text(stages)
    dvc(repository, "repro", "-q")
    shutil.rmtree(repository / "made")
    (repository / "more").unlink()
    shutil.rmtree(repository / ".dvc/cache")
    assert stale.stale_stages() == []
    (repository / "stage.py").write_text("print('other')")
    assert stale.stale_stages() == ["first", "later"]


def test_a_broken_pipeline_is_an_error_too(repository, capsys):
    (repository / "dvc.yaml").write_text("stages: [")
    with pytest.raises(SystemExit):
        stale.main()
    assert "dvc.yaml" in capsys.readouterr().err
