"""Every arm at a tiny size: what it asks and compares, never how long it takes."""

import json

import pytest
from support.labels import LABELS

from benchmarks import load, serving
from benchmarks.load import Answer
from emotion_slm.scoring.classifier import EmotionClassifier

TEXTS = ["happy cat", "the very sad dog", "tree", "angry house is a house"]


def answer(request: int, status: int, sent: float, answered: float, body: object = None) -> Answer:
    return Answer(request, status, sent, answered, json.dumps(body).encode())


def test_only_what_was_answered_counts_as_speed():
    answers = [answer(0, 200, 0, 1), answer(1, 200, 1, 4), answer(0, 429, 0, 2)]
    found = load.summary(answers, texts=8)
    assert found["statuses"] == {"200": 2, "429": 1}
    assert found["texts_per_second"] == 2 * 8 / 4
    assert (found["p50"], found["p99"]) == (2000, pytest.approx(2980))


def test_what_differs_from_the_file_is_wrong():
    expected = [[{"joy": 0.5}, {"joy": 0.1}]]
    right = {"results": [{"probabilities": {"joy": 0.5004}}, {"probabilities": {"joy": 0.1}}]}
    swapped = {"results": [*reversed(right["results"])]}
    failed = {"results": [right["results"][0], {"error": "x"}]}
    answers = [answer(0, 200, 0, 1, body) for body in (right, swapped, failed)]
    assert load.wrong(answers, expected, 1e-3) == 0 + 2 + 1
    assert load.wrong([answer(0, 429, 0, 1)], expected, 1e-3) == 0


def arms(exported, packaged):
    options = serving.argparse.Namespace(threads=1, model=packaged, litserve=None)
    return serving.arms(options, exported)


def test_the_service_under_load_is_compared_with_the_library(exported, packaged):
    rows = EmotionClassifier.from_pretrained(exported).predict_proba(TEXTS).tolist()
    expected = [[dict(zip(LABELS, row, strict=True))] for row in rows]
    task = {"fields": {"probabilities": True}, "expected": expected, "tolerance": 1e-3}
    with serving.running(arms(exported, packaged)[serving.OWN]) as port:
        closed = serving.load(
            port, [[text] for text in TEXTS], **task, clients=4, seconds=60, most=40
        )
        steady = serving.load(port, [[text] for text in TEXTS], **task, rate=100, seconds=0.3)
    assert (closed["statuses"], closed["wrong"]) == ({"200": 40}, 0)
    assert (steady["statuses"], steady["wrong"]) == ({"200": 30}, 0)


def test_the_server_a_user_would_write_answers_the_same_requests(exported, packaged):
    with serving.running(arms(exported, packaged)[serving.PIPELINE]) as port:
        found = serving.load(port, [TEXTS], clients=2, seconds=60, most=4)
    assert found["statuses"] == {"200": 4}


def test_the_file_is_scored_in_a_process_of_its_own(exported, tmp_path):
    assert serving.file_speed(exported, TEXTS, 1, tmp_path) > 0


def test_every_server_is_a_row_of_its_cell():
    cell = {"statuses": {"200": 3, "0": 1}, "texts_per_second": 50, "p50": 1, "p95": 2, "p99": 3}
    made = serving.table({serving.OWN: dict.fromkeys(serving.CELLS, cell)}, on_file=100)
    assert made.row_count == len(serving.CELLS)
    share, errors = (set(made.columns[place].cells) for place in (4, 8))
    assert (share, errors) == ({"0.50"}, {"1"})


def test_requests_are_of_one_size():
    assert serving.grouped(list("abcdefg"), 3) == [["a", "b", "c"], ["d", "e", "f"]]
