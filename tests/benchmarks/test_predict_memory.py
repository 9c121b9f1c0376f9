import re

from benchmarks.predict_memory import measure


def test_a_file_is_scored_and_measured(capsys):
    measure(50)
    assert re.fullmatch(r"50 \d+\.\d [1-9]\d*\.\d\n", capsys.readouterr().out)
