import io
from pathlib import Path

import pytest
from rich.console import Console
from support.repository import commit, git

from emotion_slm.common.files import write_json
from emotion_slm.common.params import PROFILE_SECTIONS
from emotion_slm.workbench.experiments import DONE, Experiment, ranked, read, table


def entry(name: str | None, revision: str, target: int) -> dict:
    """An entry of `dvc exp show --json`."""
    profiles = {"sample": {"ismote": {"target": target, "k_neighbors": 5}}, "other": {"embed": {}}}
    params = {"params.yaml": {"data": {"profile": "sample", "seed": 1, "profiles": profiles}}}
    return {"rev": revision, "name": name, "data": {"params": params}}


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> tuple[Path, list[dict]]:
    """Commits with scores of validation, and what DVC says of them as experiments on the first."""
    root = tmp_path_factory.mktemp("experiments")
    git(root, "init", "-q", "-b", "main")
    (root / "metrics").mkdir()

    def scored(name: str | None, target: int, score: float) -> dict:
        numbers = {"macro_f1_cross_validated": score, "map": 0.5, "nll": 0.1}
        write_json(root / "metrics/validation.json", numbers)
        return entry(name, commit(root, f"{name}: {score}"), target)

    def run(state: str | None, made: dict) -> dict:
        return {"executor": {"state": state} if state else None, "revs": [made]}

    main = scored("main", 100, 0.30)
    experiments = [
        run("failed", scored("failed", 999, 0.99)),
        run("queued", entry("queued", "0" * 40, 300)),
        run("success", scored("better", 200, 0.40)),
        run(None, scored("worse", 150, 0.20)),
    ]
    write_json(root / "metrics/validation.json", {"macro_f1_cross_validated": 0.25})
    return root, [entry(None, "workspace", 100), main | {"experiments": experiments}]


@pytest.fixture
def found(repository, monkeypatch) -> list[Experiment]:
    root, shown = repository
    monkeypatch.chdir(root)
    return read(shown)


@pytest.fixture
def lines(found):
    """Function: width of the terminal → lines of the table."""

    def printed(width: int) -> list[str]:
        console = Console(width=width, file=io.StringIO(), record=True)
        console.print(table(found))
        return console.export_text().splitlines()

    return printed


def test_the_best_is_on_top_and_a_failed_run_is_not(found):
    names = [experiment.name for experiment in ranked(found)]
    assert names == ["better", "main", "workspace", "worse", "failed", "queued"]


def test_scores_are_of_the_commit_that_an_experiment_is(found):
    scores = {experiment.name: experiment.scores for experiment in found}
    assert scores["better"] == {"macro_f1_cross_validated": 0.40, "map": 0.5, "nll": 0.1}
    assert scores["workspace"] == {"macro_f1_cross_validated": 0.25}


def test_what_differs_is_shown_and_what_does_not_is_not(lines):
    head = next(line for line in lines(120) if "experiment" in line and "state" in line)
    assert "ismote.target" in head and "k_neighbors" not in head and "seed" not in head
    better = next(line for line in lines(120) if "better" in line)
    assert "200" in better and "0.4000" in better and DONE in better


def test_profiles_differ_by_name_and_each_by_its_own_settings():
    def run(name: str, profile: str, **settings) -> Experiment:
        return Experiment(name, DONE, {"profile": profile, **settings}, {})

    experiments = [
        run("a", "sample", target=100, rate=0.1, ratio=1),
        run("b", "sample", target=200, rate=0.1, ratio=1),
        run("c", "large", target=4000, rate=0.2),
    ]
    titles = [column.header for column in table(experiments).columns]
    assert titles == ["experiment", "state", "profile", "target", "macro-F1", "mAP", "NLL"]


def test_a_failed_run_has_no_score(lines):
    failed = next(line for line in lines(120) if "999" in line)
    assert "failed" in failed and "0.99" not in failed and "–" in failed


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_the_terminal_and_hides_no_value(lines, width):
    shown = lines(width)
    assert max(map(len, shown)) <= width
    assert not any("…" in line for line in shown)


def test_a_run_that_ended_before_its_params_could_be_read(repository, monkeypatch):
    root, shown = repository
    monkeypatch.chdir(root)
    (found,) = read([shown[1] | {"data": None, "experiments": None}])
    assert found.settings == dict.fromkeys(PROFILE_SECTIONS)
