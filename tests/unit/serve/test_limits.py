import pytest

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.serve.app import PredictRequest
from emotion_slm.serve.limits import (
    CHARACTERS,
    Limits,
    RefusedError,
    check_texts,
    parse,
    read_token,
)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"texts": ["a",\n]}', "line 2, column 1"),
        (b"", "line 1, column 1"),
        (b'{"texts": ["\xff"]}', "byte 12"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"top_k": ' + b"9" * 5000 + b"}", "digits"),
        (b"[]", "valid dictionary"),
        (b"{}", "texts: Field required"),
        (b'{"texts": "one"}', "texts: Input should be a valid list"),
        (b'{"texts": [], "top_k": 0}', "top_k"),
        (b'{"texts": [], "top_k": true}', "top_k"),
        (b'{"texts": [], "top_k": 1.5}', "top_k"),
        (b'{"texts": [], "threshold": 1.5}', "threshold"),
        (b'{"texts": [], "threshold": NaN}', "threshold"),
        (b'{"texts": [], "labels": 7}', "labels"),
        (b'{"texts": [], "textes": []}', "textes"),
        (b'{"texts": [], "\\ud800": []}', "valid string"),
    ],
)
def test_a_bad_body_is_refused_with_its_place(body, place):
    with pytest.raises(RefusedError) as error:
        parse(body, PredictRequest)
    assert error.value.status == 422 and place in str(error.value)
    error.value.response()  # can be sent: it is UTF-8


def test_a_good_body_is_read():
    body = '{"texts": ["ä", null, "\\ud83d"], "threshold": 1, "top_k": 2.0}'.encode()
    asked = parse(body, PredictRequest)
    assert asked.texts == ["ä", None, "\ud83d"] and asked.threshold == 1 and asked.top_k == 2


def test_the_text_that_was_sent_is_not_in_the_answer():
    with pytest.raises(RefusedError) as error:
        parse(b'{"texts": "a secret"}', PredictRequest)
    assert "secret" not in str(error.value)


def test_texts_and_their_characters_are_limited():
    check_texts(["a"] * 3, most=3)
    check_texts(["a" * CHARACTERS], most=3)
    for texts in (["a"] * 4, ["a" * CHARACTERS, "b"]):
        with pytest.raises(RefusedError) as error:
            check_texts(texts, most=3)
        assert error.value.status == 413


def test_a_queue_must_hold_a_full_request():
    with pytest.raises(EmotionSlmError, match="--max-queue 10"):
        Limits(max_queue=10, max_texts=11).checked()


@pytest.mark.parametrize(
    "content",
    [b"", b"short\n", b"a token of two\nlines of them", b"\xff" * 20, "schlüssel".encode() * 4],
)
def test_what_is_no_token_is_refused(tmp_path, content):
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(EmotionSlmError, match="token"):
        read_token(file)


def test_a_token_is_read_without_its_line_end(tmp_path):
    (tmp_path / "token").write_text("0123456789abcdef\n")
    assert read_token(tmp_path / "token") == "0123456789abcdef"
    with pytest.raises(EmotionSlmError, match="absent"):
        read_token(tmp_path / "absent")
