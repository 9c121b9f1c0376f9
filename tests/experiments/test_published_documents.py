from pathlib import Path

import pandas as pd
import pytest
from markdown_tables import sections
from published_protocol.layout import ARMS, AUDIT, CURVES, PER_LABEL, RESULTS, TABLE
from published_protocol.tables import read_tables, spread
from ruamel.yaml import YAML
from support.labels import LABELS

from emotion_slm.common.files import read_json

FOLDER = Path("experiments/published_protocol")
PAGE = FOLDER / "RESULTS.md"
SEEDS = YAML(typ="safe").load(FOLDER / "params.yaml")["seeds"]


@pytest.fixture(scope="module")
def tables():
    return read_tables(FOLDER)


def test_tables_are_those_of_the_results(tables):
    assert (FOLDER / TABLE).read_text() == sections(tables)


def test_the_page_shows_the_figure():
    assert "](leak.png)" in PAGE.read_text()


def test_results_cover_every_arm_seed_and_label():
    frame = pd.read_csv(FOLDER / PER_LABEL)
    assert frame["label"].tolist() == list(LABELS)
    curves = pd.read_csv(FOLDER / CURVES)
    assert set(zip(curves["arm"], curves["seed"], strict=True)) == {
        (arm, seed) for arm in ARMS for seed in SEEDS
    }


def test_macro_f1_is_the_mean_of_the_labels():
    frame, results = pd.read_csv(FOLDER / PER_LABEL), read_json(FOLDER / RESULTS)
    for arm in ARMS:
        for thresholds in ("at_half", "tuned"):
            macro = results[arm]["scores"]["test"][thresholds]["macro_f1"]["mean"]
            assert frame[f"{arm}_f1_{thresholds}"].mean() == pytest.approx(macro, abs=1e-4)


def test_the_honest_arm_has_no_synthetic_row_of_a_held_out_one():
    for seed in SEEDS:
        rules = read_json(FOLDER / AUDIT)["honest"][str(seed)]["must_be_zero"]
        # A random split leaves equal texts on both sides.
        assert rules.pop("rows_with_text_in_another_split") > 0
        assert rules.pop("rows_with_verbatim_text_in_another_split") > 0
        assert not any(rules.values())


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"mean": 0.5, "min": 0.4, "max": 0.6}, ".500 (.400–.600)"),
        ({"mean": 0.5, "min": 0.5, "max": 0.5}, ".500"),
        ({"mean": 1.0, "min": 1.0, "max": 1.0}, "1.000"),
    ],
)
def test_spread(entry, expected):
    assert spread(entry) == expected
