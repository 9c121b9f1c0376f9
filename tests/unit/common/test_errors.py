import pytest

from emotion_slm.common.errors import did_you_mean


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("learning_rat", "learning_rate"), ("epoch", "epochs"), ("lerning_rate", "learning_rate")],
)
def test_near_miss_names_the_nearest(name, nearest):
    known = ["epochs", "learning_rate", "schedule"]
    assert did_you_mean(name, known) == f"; did you mean {nearest!r}?"


def test_nothing_near_lists_all_in_order():
    assert did_you_mean("zzz", ["epochs", "batch"]) == "; known: epochs, batch"


def test_any_iterable_will_do():
    assert did_you_mean("epoch", iter(["epochs"])) == "; did you mean 'epochs'?"
    assert did_you_mean("q", {"a": 1, "b": 2}) == "; known: a, b"


def test_what_a_file_calls_its_columns_does_not_fill_the_screen():
    assert (
        did_you_mean("text", ["\0" * 9, "a\nb"])
        == f"; known: {chr(0) * 9!r}, {chr(10).join('ab')!r}"
    )
    listed = did_you_mean("text", [f"c{number}" for number in range(20_000)])
    assert len(listed) < 600 and listed.endswith(" …")
    assert did_you_mean("text", []) == "; there are none"
