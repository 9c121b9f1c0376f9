import json
from pathlib import Path

import pandas as pd
import pytest
from markdown_tables import sections
from sampler_comparison import summary
from sampler_comparison.catalogue import CATALOGUE
from sampler_comparison.scores import METRICS
from sampler_comparison.tables import cell, read_tables

FOLDER = Path("experiments/samplers")
PAGE = FOLDER / "RESULTS.md"


@pytest.fixture(scope="module")
def tables():
    return read_tables(FOLDER)


def test_tables_are_those_of_the_results(tables):
    assert (FOLDER / "tables.md").read_text() == sections(tables)


def test_the_page_shows_the_figure():
    assert "](differences.png)" in PAGE.read_text()


def test_results_cover_every_problem_classifier_sampler_and_metric():
    results = pd.read_csv(FOLDER / summary.RESULTS)
    assert list(results["problem"].unique()) == [problem.name for problem in CATALOGUE]
    assert len(results) == len(CATALOGUE) * 3 * 7 * len(METRICS)
    assert results["mean"].between(0, 1).all()


def test_overall_follows_from_the_other_two_files():
    again = summary.overall(
        pd.read_csv(FOLDER / summary.DIFFERENCES), pd.read_csv(FOLDER / summary.RESULTS), 0.95
    )
    kept = json.loads((FOLDER / summary.OVERALL).read_text())
    assert again["ranks"] == {
        metric: pytest.approx(ranks, abs=0.05) for metric, ranks in kept["ranks"].items()
    }
    for metric, rivals in kept["differences"].items():
        for rival, entries in rivals.items():
            for classifier, entry in entries.items():
                computed = again["differences"][metric][rival][classifier]
                assert computed == pytest.approx(entry, abs=1e-5)


def test_cell():
    entry = {"mean": 0.01, "low": -0.002, "high": 0.022, "wins": 3, "ties": 38, "losses": 1}
    assert cell(entry) == "+.010 [−.002, +.022] 3/38/1"
