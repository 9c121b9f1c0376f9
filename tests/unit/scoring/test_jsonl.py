"""JSONL with whatever JSON allows and some of what it does not, to every format."""

import csv
import json
from pathlib import Path

import pytest
from support.scorer import StubScorer

from emotion_slm.scoring.plan import Options
from emotion_slm.scoring.readers import NESTING
from emotion_slm.scoring.run import score


@pytest.fixture
def outputs(tmp_path):
    """Function: lines → rows of CSV, objects of JSONL, and the lines and reasons of rejected ones;
    those are the same for both."""

    def make(*lines: str):
        source = tmp_path / "x.jsonl"
        source.write_text("".join(line + "\n" for line in lines), "utf-8", "surrogatepass")
        rejected = []
        for suffix in ("csv", "jsonl"):
            output = tmp_path / f"out.{suffix}"
            score(source, output, StubScorer(), Options(labels="sentiment"))
            path = Path(f"{output}.rejected.jsonl")
            rejected.append(path.read_text().splitlines() if path.exists() else [])
        with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        objects = [json.loads(line) for line in output.read_text("utf-8").split("\n")[:-1]]
        assert rejected[0] == rejected[1] and len(rows) == len(objects)
        return rows, objects, [json.loads(line) for line in rejected[0]]

    return make


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("levels", [1, NESTING - 1, NESTING, 300, 900, 100_000])
@pytest.mark.parametrize("shape", ["lists", "objects"])
def test_deep_nesting_is_written_or_named(outputs, levels, shape):
    deep = nested(levels) if shape == "lists" else '{"a":' * levels + "1" + "}" * levels
    rows, objects, rejected = outputs('{"text": "a", "deep": ' + deep + "}", '{"text": "b"}')
    assert rows[-1]["text"] == "b"
    if levels < NESTING:
        assert json.loads(rows[0]["deep"]) == objects[0]["deep"] == json.loads(deep)
    else:
        assert [row["text"] for row in rows] == ["b"] and rejected[0]["line"] == 1
        assert "nested" in rejected[0]["reason"] or "recursion" in rejected[0]["reason"]


def test_lone_surrogates_anywhere(outputs):
    line = r'{"text": "a\ud800", "\udfff": {"\ud800": "\udc00"}, "n": "\ud83d\ude00"}'
    rows, objects, rejected = outputs(line)
    assert rejected == []
    assert rows[0]["text"] == "a\ufffd" and rows[0]["\ufffd"] == '{"\ufffd": "\ufffd"}'
    assert rows[0]["n"] == "😀"
    content = json.loads(line)
    assert {name: objects[0][name] for name in content} == content


def test_a_key_that_stands_twice_is_named(outputs):
    rows, _, rejected = outputs(
        '{"text": "a", "n": 1}',
        '{"text": "b", "text": "c"}',
        '{"text": "d", "n": [{"x": 1, "x": 2}]}',
    )
    assert [row["text"] for row in rows] == ["a"]
    assert "key 'text' stands in one object twice" in rejected[0]["reason"]
    assert "key 'x' stands in one object twice" in rejected[1]["reason"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_cannot_be_kept_are_named(outputs, number):
    rows, _, rejected = outputs('{"text": "a", "n": 1}', f'{{"text": "b", "n": {number}}}')
    assert [row["text"] for row in rows] == ["a"] and len(rejected) == 1
    assert len(json.dumps(rejected)) < 700


@pytest.mark.parametrize("number", ["12345678901234567890123", "-0.5", "1e-7", "true", "null"])
def test_other_numbers_are_kept(outputs, number):
    rows, objects, _ = outputs(f'{{"text": "a", "n": {number}}}')
    assert objects[0]["n"] == json.loads(number)
    assert rows[0]["n"] == ("" if number == "null" else json.dumps(json.loads(number)))


def test_a_reason_does_not_quote_all_of_a_long_value(outputs):
    long = json.dumps(["x" * 100] * 1000)
    _, _, rejected = outputs('{"text": "a"}', f'{{"text": {long}}}')
    assert "not a string" in rejected[0]["reason"] or rejected[0]["reason"].endswith(" …")
    assert len(rejected[0]["reason"]) < 600


def test_line_separators_inside_strings_end_no_line(outputs):
    texts = ["a\u2028b", "c\x85d", "e\rf", "g\vh"]
    rows, objects, rejected = outputs(*(json.dumps({"text": text}) for text in texts))
    rows2, _, _ = outputs(
        *(json.dumps({"text": text}, ensure_ascii=False) for text in ["a\u2028b", "c\x85d"])
    )
    assert [row["text"] for row in rows] == texts == [content["text"] for content in objects]
    assert [row["text"] for row in rows2] == texts[:2] and rejected == []


def test_wide_rows_do_not_gather_in_one_chunk(tmp_path, monkeypatch):
    from emotion_slm.scoring import chunks

    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 10_000)
    source = tmp_path / "x.jsonl"
    source.write_text((json.dumps({"text": "a", "rest": "x" * 4000}) + "\n") * 20)
    most = []

    class Watching(StubScorer):
        def probabilities(self, texts):
            most.append(len(texts))
            return super().probabilities(texts)

    assert score(source, tmp_path / "out.csv", Watching(), Options()).records == 20
    assert max(most) == 3
