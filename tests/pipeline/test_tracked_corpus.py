"""A corpus's file under DVC: what git ignores and keeps, and what runs again when it changes."""

import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from support.described import labels_of, rows_of
from support.repository import dvc
from support.tiny import create_tiny_workspace, read_params, write_params

from emotion_slm.common.files import read_json
from emotion_slm.workbench import workspace

FILE = "corpora/tickets/tickets.csv"


def ignored(path: str) -> bool:
    done = subprocess.run(["git", "check-ignore", "-q", path], check=False)
    return done.returncode == 0


def test_git_keeps_the_description_and_what_dvc_writes_of_a_file_but_not_the_file():
    assert ignored(FILE)
    assert not ignored(f"{FILE}.dvc")
    assert not ignored("corpora/tickets.yaml")


@pytest.fixture
def tickets(tmp_path, tiny_bert, backbone_params) -> Path:
    """A workspace whose profile trains on a CSV file that DVC tracks."""
    folder = tmp_path / "workspace"
    create_tiny_workspace(folder, backbone_params(tiny_bert))
    params = read_params(folder)
    sample = params["profiles"]["sample"]
    sample["fetch"], sample["undersample"] = {"corpus": "tickets"}, "none"
    sample["ismote"]["exclude_labels"] = []
    write_params(folder, params)
    description = {"files": "tickets.csv", "text": "body", "empty": "none"}
    description["labels"] = {"column": "topics", "separator": ";"}
    YAML(typ="safe").dump(description, folder / "corpora/tickets.yaml")
    (folder / FILE).parent.mkdir()
    lines = [f"{row['body']},{';'.join(row['topics'])}\n" for row in rows_of(labels_of(3, 60))]
    (folder / FILE).write_text("body,topics\n" + "".join(lines))
    dvc(folder, "add", FILE)
    return folder


def stages_run(folder: Path) -> list[str]:
    said = dvc(folder, "repro", "split")
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


@pytest.mark.slow
def test_a_changed_file_runs_fetch_again_and_an_unchanged_one_nothing(tickets, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in workspace.environment(tickets).items():
            patch.setenv(name, value)
        assert stages_run(tickets) == ["params", "fetch", "split"]
        assert dvc(tickets, "status", f"{FILE}.dvc", "params", "fetch", "split").startswith("Data")
        assert stages_run(tickets) == []
        (tickets / "corpora/tickets.yaml").write_text(
            "# A comment changes nothing.\n" + (tickets / "corpora/tickets.yaml").read_text()
        )
        assert stages_run(tickets) == ["params"]
        with (tickets / FILE).open("a") as stream:
            stream.write("one more,topic 1\n")
        assert stages_run(tickets) == ["params", "fetch", "split"]
        rows = read_json(tickets / "metrics/split.json")
        assert rows["train"] + rows["validation"] + rows["test"] == 61

        dvc(tickets, "add", FILE)
        dvc(tickets, "remote", "add", "-d", "local", str(tmp_path / "remote"))
        dvc(tickets, "push", f"{FILE}.dvc")
        (tickets / FILE).unlink()
        shutil.rmtree(tickets / ".dvc/cache")
        dvc(tickets, "pull", f"{FILE}.dvc")
        assert len((tickets / FILE).read_text().splitlines()) == 62
        assert dvc(tickets, "status", f"{FILE}.dvc", "params").startswith("Data")
