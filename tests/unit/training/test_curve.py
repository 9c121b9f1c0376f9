import csv
import json

import pytest

from emotion_slm.training.curve import Epoch, State, best, write_curve

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


def after(*scores: float) -> State:
    """A training whose epochs had these validation mAPs, and no macro-F1."""
    state = State()
    for number, score in enumerate(scores):
        state.end_step(0.5, 4)
        state.end_epoch(Epoch(number + 1, state.train_loss, 0.1, score, 0.0))
    return state


def test_train_loss_is_the_mean_over_rows_of_the_epoch():
    state = State()
    state.end_step(1.0, 1)
    state.end_step(2.0, 3)
    assert (state.train_loss, state.step, state.steps_of_epoch) == (1.75, 2, 2)
    state.end_epoch(Epoch(1, state.train_loss, 0.1, 0.2, 0.3))
    assert (state.train_loss, state.step, state.steps_of_epoch, state.epoch) == (0.0, 2, 0, 1)


def test_state_survives_json_to_the_last_bit():
    state = after(0.1, 1 / 3)
    state.end_step(2 / 3, 7)
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize(
    ("scores", "patience", "finished"),
    [
        ((), 1, False),
        ((0.5,), 1, False),
        ((0.5, 0.4), 1, True),
        ((0.5, 0.5), 1, True),  # as good is not better
        ((0.5, 0.6), 1, False),
        ((0.5, 0.4, 0.3), 3, False),
        ((0.5, 0.4, 0.3, 0.2), 3, True),
        ((0.5, 0.4, 0.3, 0.2), None, False),
        ((0.1,) * 5, None, True),
    ],
)
def test_patience_counts_epochs_since_the_best(scores, patience, finished, training_params):
    params = training_params(epochs=5, patience=patience)
    assert after(*scores).finished(params) is finished


def test_improvement_is_by_the_chosen_metric(training_params):
    state = after(0.5, 0.4)
    assert not state.improved(training_params())
    state.curve[-1] = state.curve[-1]._replace(validation_macro_f1=0.1)
    assert state.improved(training_params(selection="macro_f1"))
