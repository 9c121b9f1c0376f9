import io

import pytest
from rich.console import Console

from emotion_slm.workbench.experiments import DONE, ranked, read, table


def entry(name: str | None, target: int, score: float | None, profile: str = "sample") -> dict:
    """An entry of `dvc exp show --json`."""
    profiles = {"sample": {"ismote": {"target": target, "k_neighbors": 5}}, "other": {"embed": {}}}
    scores = {"macro_f1_cross_validated": score, "map": 0.5, "nll": 0.1}
    metrics = {"metrics/validation.json": {"data": scores}} if score is not None else {}
    params = {"params.yaml": {"data": {"profile": profile, "seed": 1, "profiles": profiles}}}
    return {"rev": "9ebf9524", "name": name, "data": {"params": params, "metrics": metrics}}


def run(name: str, target: int, score: float | None, state: str | None = None) -> dict:
    executor = {"state": state} if state else None
    return {"name": name, "executor": executor, "revs": [entry(name, target, score)]}


SHOWN = [
    entry(None, 100, 0.30) | {"rev": "workspace", "experiments": []},
    entry("main", 100, 0.30)
    | {
        "experiments": [
            run("failed", 999, 0.99, "failed"),
            run("queued", 300, None, "queued"),
            run("better", 200, 0.40, "success"),
            run("worse", 150, 0.20),
        ]
    },
]


def lines(width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(table(read(SHOWN)))
    return console.export_text().splitlines()


def test_the_best_is_on_top_and_a_failed_run_is_not():
    names = [experiment.name for experiment in ranked(read(SHOWN))]
    assert names == ["better", "main", "workspace", "worse", "failed", "queued"]


def test_what_differs_is_shown_and_what_does_not_is_not():
    head = next(line for line in lines(120) if "experiment" in line and "state" in line)
    assert "ismote.target" in head and "k_neighbors" not in head and "seed" not in head
    better = next(line for line in lines(120) if "better" in line)
    assert "200" in better and "0.4000" in better and DONE in better


def test_a_failed_run_has_no_score():
    failed = next(line for line in lines(120) if "999" in line)
    assert "failed" in failed and "0.99" not in failed and "–" in failed


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_the_terminal_and_hides_no_value(width):
    shown = lines(width)
    assert max(map(len, shown)) <= width
    assert not any("…" in line for line in shown)


def test_a_run_that_ended_before_its_params_could_be_read():
    bare = {"rev": "abc", "name": "x", "data": None}
    (found,) = read([bare])
    assert found.scores == {}
