"""`emotion-slm explain` on files, with a small packaged model."""

import pytest
from typer.testing import CliRunner

from emotion_slm.cli.app import app


def run(packaged, *arguments: object, **options):
    command = ["explain", *map(str, arguments), "--model", str(packaged)]
    return CliRunner().invoke(app, command, **options)


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text\nthank you\n")
    return path


def test_a_page_is_never_written_over_the_texts(packaged, texts):
    result = run(packaged, texts, "-o", texts)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "is the input; give the page another name" in " ".join(result.stderr.split())
    assert texts.read_text() == "text\nthank you\n"


def test_a_folder_in_the_place_of_the_page_is_told(packaged, texts):
    result = run(packaged, texts, "-o", texts.parent)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "is a folder; name the page with -o" in " ".join(result.stderr.split())


def test_standard_input_is_lines(packaged, tmp_path):
    result = run(packaged, "-", "-o", tmp_path / "x.html", input="thank you\nthanks\n")
    assert result.exit_code == 0, result.output
    assert "2 texts" in result.stdout
