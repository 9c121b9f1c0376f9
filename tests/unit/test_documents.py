import doctest
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[2]


def test_examples_of_the_ismote_page_run():
    results = doctest.testfile(str(ROOT / "docs" / "ismote.md"), module_relative=False)
    assert results.attempted > 10 and results.failed == 0


def test_the_picture_of_the_ismote_page_is_the_one_its_script_draws(tmp_path, monkeypatch):
    script = ROOT / "docs" / "figures" / "ismote_space.py"
    spec = importlib.util.spec_from_file_location("ismote_space", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PICTURE", tmp_path / "picture.png")
    module.main()
    drawn, kept = imread(tmp_path / "picture.png"), imread(script.with_suffix(".png"))
    # Another machine may round a pixel's shade otherwise.
    np.testing.assert_allclose(drawn.mean(), kept.mean(), atol=1e-3)
    assert np.mean(np.abs(drawn - kept) > 0.1) < 0.01


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_documents_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
