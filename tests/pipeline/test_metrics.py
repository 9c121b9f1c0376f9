"""What a reviewer reads of two trainings, by DVC itself: few lines, and no wide ones."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from support.evaluated import evaluate_in
from support.repository import commit, dvc, git

from emotion_slm.common.files import read_json
from emotion_slm.evaluation import results

PER_LABEL = "metrics/plots/per_label.csv"


@pytest.fixture(scope="module")
def retrained(tmp_path_factory) -> Path:
    """The pipeline's dvc.yaml, what stage evaluate wrote committed, and written again since."""
    root = tmp_path_factory.mktemp("retrained")
    git(root, "init", "-q", "-b", "main")
    dvc(root, "init", "-q")
    for name in ("dvc.yaml", "params.yaml", ".dvc/config"):
        shutil.copy(name, root / name)
    for seed in (1, 7):
        with chdir(root):
            results.write(evaluate_in(root, seed).results)
        if seed == 1:
            (root / ".gitignore").write_text("/data/\n")
            commit(root, "before")
    return root


def test_the_difference_of_two_trainings_fits_a_screen(retrained):
    lines = dvc(retrained, "metrics", "diff").splitlines()
    assert 2 <= len(lines) <= 30
    assert any(line.split()[1] == "macro_f1" for line in lines)


def test_metrics_fit_a_terminal(retrained):
    shown = dvc(retrained, "metrics", "show").splitlines()
    assert max(map(len, shown)) <= 160
    numbers = read_json(retrained / "metrics/test.json")
    assert f"{numbers['macro_f1']:.5f}".rstrip("0") in shown[1]


def test_all_numbers_are_compared_on_request(retrained):
    target = "metrics/test.json"
    found = json.loads(dvc(retrained, "metrics", "diff", "--json", "--targets", target))
    assert set(found[target]) == set(read_json(retrained / target))


@pytest.mark.parametrize(("name", "most"), [("test", 16), ("validation", 6), ("headline", 8)])
def test_numbers_are_few_and_flat(retrained, name, most):
    content = read_json(retrained / f"metrics/{name}.json")
    assert 0 < len(content) <= most
    assert all(type(value) in (int, float) for value in content.values())


def test_f1_by_label_of_both_trainings_lies_in_one_plot(retrained):
    plots = json.loads(dvc(retrained, "plots", "diff", "--json", "HEAD"))["data"]
    (drawn,) = plots[PER_LABEL]
    assert drawn["revisions"] == ["workspace", "HEAD"]
    encoding = drawn["content"]["encoding"]
    assert encoding["x"]["field"] == "f1" and encoding["y"]["field"] == "label"
    assert encoding["yOffset"]["field"] == encoding["color"]["field"] == "rev"
    values = drawn["content"]["data"]["values"]
    assert len(values) == 2 * 28
    assert {value["rev"] for value in values} == {"workspace", "HEAD"}


def test_every_table_is_drawn_once(retrained):
    """A table that is declared twice, or without its axes, would be drawn as a line of its last
    column as well."""
    plots = json.loads(dvc(retrained, "plots", "show", "--json"))["data"]
    tables = {f"metrics/plots/{name}.csv" for name in results.COLUMNS}
    assert tables <= set(plots)
    for name in tables:
        (drawn,) = plots[name]
        axes = drawn["content"].get("encoding", {})
        assert axes["x"]["field"] in results.COLUMNS[Path(name).stem]
        assert axes["y"]["field"] in results.COLUMNS[Path(name).stem]
