import pytest

from benchmarks.turns import by_turns, ratios, spread


def test_every_contender_runs_once_a_turn_and_the_order_alternates():
    calls = []

    def contender(name: str):
        return lambda turn: calls.append((turn, name)) or f"{name}{turn}"

    results = by_turns({"a": contender("a"), "b": contender("b")}, 3)
    assert calls == [(0, "a"), (0, "b"), (1, "b"), (1, "a"), (2, "a"), (2, "b")]
    assert results == {"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}


def test_ratios_are_taken_within_a_turn():
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])


def test_spread_is_the_median_between_the_extremes():
    assert spread([3.0, 1.0, 2000.0], 1) == ("3.0", "1.0–2,000.0")
