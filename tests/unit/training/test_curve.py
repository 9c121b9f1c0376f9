import csv

from emotion_slm.training.curve import Epoch, best, write_curve

CURVE = [Epoch(1, 0.51234567, 0.4, 0.3, 0.2), Epoch(2, 0.4, 0.3, 0.5, 0.1)]


def test_written_curve_reads_back_rounded(tmp_path):
    write_curve(tmp_path / "curve.csv", CURVE)
    with (tmp_path / "curve.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0] == {
        "epoch": "1",
        "train_loss": "0.512346",
        "validation_loss": "0.4",
        "validation_map": "0.3",
        "validation_macro_f1": "0.2",
    }
    assert len(rows) == 2


def test_empty_curve_is_a_header_alone(tmp_path):
    write_curve(tmp_path / "curve.csv", [])
    assert (tmp_path / "curve.csv").read_text() == ",".join(Epoch._fields) + "\n"


def test_best_follows_the_selection_and_prefers_the_first_of_equals():
    assert best(CURVE, "map").epoch == 2
    assert best(CURVE, "macro_f1").epoch == 1
    assert best([CURVE[1], CURVE[1]._replace(epoch=3)], "map").epoch == 2
