from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from balance_ablation import differences, places
from balance_ablation.names import BALANCINGS, LINEAR, LOSSES, NONE, THRESHOLDS
from balance_ablation.params import read_params
from balance_ablation.tables import cell, read_tables
from markdown_tables import sections

FOLDER = Path("experiments/ablation")
PAGE = FOLDER / "RESULTS.md"


@pytest.fixture(scope="module")
def tables():
    return read_tables(FOLDER)


def test_tables_are_those_of_the_results(tables):
    assert (FOLDER / "table.md").read_text() == sections(tables)


def test_the_page_shows_the_figure():
    assert "](ablation.png)" in PAGE.read_text()


def test_results_cover_every_arm():
    seeds = read_params(FOLDER / "params.yaml").seeds
    results = pd.read_csv(FOLDER / places.RESULTS)
    linear = results[results["head"] == LINEAR]
    assert len(linear) == 2 * len(BALANCINGS) * len(LOSSES) * len(seeds)
    assert not linear.duplicated(["vectors", "balancing", "loss", "seed"]).any()
    assert results.filter(regex="f1|map").stack().between(0, 1).all()


def test_differences_are_those_of_the_means_in_results():
    results = pd.read_csv(FOLDER / places.RESULTS)
    found = pd.read_csv(FOLDER / places.DIFFERENCES)
    linear = found[found["head"] == LINEAR]
    assert len(linear) == 2 * (len(BALANCINGS) - 1) * len(LOSSES) * len(THRESHOLDS)
    keys = [*differences.SETTING, "balancing"]
    means = results.groupby(keys)[[f"macro_f1_{kind}" for kind in THRESHOLDS]].mean()
    for row in found.to_dict("records"):
        column = f"macro_f1_{row['thresholds']}"
        setting = tuple(row[key] for key in differences.SETTING)
        expected = means.loc[(*setting, row["balancing"]), column]
        expected -= means.loc[(*setting, NONE), column]
        assert row["difference"] == pytest.approx(expected, abs=2e-6)
        assert row["low"] <= row["difference"] <= row["high"]


@pytest.mark.parametrize("file", [places.DIFFERENCES, places.CONTRASTS])
def test_the_correction_follows_from_the_intervals(file):
    found = pd.read_csv(FOLDER / file)
    again = differences.with_correction(found.drop(columns="clear").to_dict("records"))
    assert (again["clear"] == found["clear"]).all()
    assert (found["low"] * found["high"] > 0)[found["clear"]].all()


def test_cell():
    row = SimpleNamespace(difference=0.01, low=-0.002, high=0.022, clear=False)
    assert cell(row) == "+.010 [−.002, +.022]"
    row.clear = True
    assert cell(row) == "+.010 [−.002, +.022]\\*"
