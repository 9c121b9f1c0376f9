import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from fill_page import PACKAGES, PAGE, filled

EXPERIMENTS = Path("experiments")


@pytest.mark.parametrize("experiment", PACKAGES)
def test_the_page_shows_every_table_as_it_is(experiment):
    package = PACKAGES[experiment]
    tables = import_module(f"{package}.tables").read_tables(EXPERIMENTS / experiment)
    page = (EXPERIMENTS / experiment / PAGE).read_text()
    assert sorted(re.findall("<!-- table: (.+?) -->", page)) == sorted(tables)
    assert filled(page, tables) == page


def test_filling_replaces_only_what_is_between_the_markers():
    page = "a\n<!-- table: x -->\nold\n<!-- end -->\nb\n"
    once = filled(page, {"x": "| new |\n"})
    assert once == "a\n<!-- table: x -->\n\n| new |\n\n<!-- end -->\nb\n"
    assert filled(once, {"x": "| new |\n"}) == once


def test_an_unknown_experiment_is_answered_with_the_known_ones():
    command = [sys.executable, EXPERIMENTS / "fill_page.py", "ablations"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1 and "|".join(PACKAGES) in run.stderr
