import pytest
from support import tickets

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.corpus_guess import LOOKED_AT, _looked_at, infer

BODIES = [f"please look at ticket {place} for me today" for place in range(40)]


def guessed(**columns):
    return infer({"body": BODIES, **columns})


def test_tickets_are_understood():
    made = tickets.rows(200)
    cells = {name: [ticket[name] for ticket in made] for name in made[0]}
    guess = infer({**cells, "emotions": [", ".join(ticket["emotions"]) for ticket in made]})
    assert (guess.text, guess.labels) == (["body"], {"column": "emotions", "separator": ","})
    assert (guess.task, sorted(guess.counts)) == ("multi_label", tickets.LABELS)
    assert (guess.id, guess.group, guess.time) == ("ticket_id", "conversation", "created")
    assert {key for key, _, _ in guess.said} == {"text", "labels", "task", "id", "group", "time"}


def test_one_label_in_every_cell_is_single_label():
    guess = guessed(category=["bill", "sales"] * 20)
    assert (guess.labels, guess.task) == ({"column": "category"}, "single_label")


@pytest.mark.parametrize("separator", [",", ";", "|", "/", "#", "+"])
def test_the_separator_of_labels_is_found(separator):
    guess = guessed(tags=["a", f"a{separator} b", "b", "c"] * 10)
    assert guess.labels == {"column": "tags", "separator": separator}
    assert guess.counts == {"a": 20, "b": 20, "c": 10}


def test_hundreds_of_combinations_of_a_few_labels_are_labels():
    names = [f"label {n}" for n in range(12)]
    cells = {
        "body": [f"please look at ticket {n} for me today" for n in range(300)],
        "agent": [f"agent {n % 3}" for n in range(300)],
        "emotions": [
            ", ".join(name for bit, name in enumerate(names) if (n * 13 + 1) >> bit & 1)
            for n in range(300)
        ],
    }
    guess = infer(cells)
    assert guess.labels == {"column": "emotions", "separator": ","}
    assert sorted(guess.counts) == sorted(names)


def test_a_column_called_label_may_have_many():
    assert len(guessed(label=[f"label {n % 16}" for n in range(40)]).counts) == 16


def test_a_sign_at_the_end_of_a_name_separates_nothing():
    guess = guessed(label=["C", "C#", "F#", "C++"] * 10)
    assert (guess.labels, guess.task) == ({"column": "label"}, "single_label")
    assert guess.counts == {"C": 10, "C#": 10, "F#": 10, "C++": 10}


def test_a_separator_that_is_said_makes_it_multi_label():
    guess = infer({"body": BODIES, "label": ["a", "b"] * 20}, separator=";")
    assert (guess.labels["separator"], guess.task) == (";", "multi_label")


@pytest.mark.parametrize(
    "times",
    [
        ["28.11.2026", "1.2.2026"],
        ["11/28/2026 14:05", "2/1/26 9:30 PM"],
        ["2026/11/28", "2026/02/01"],
        ["14:05", "9:30 PM"],
    ],
)
def test_dates_and_times_are_no_labels(times):
    guess = guessed(Datum=times * 20, Thema=["bill", "sales"] * 20)
    assert guess.labels == {"column": "Thema"} and guess.others == []
    told = [why for key, column, why in guess.said if (key, column) == ("time", "Datum")]
    assert [("ISO 8601" in why) for why in told] == ([] if "14:05" in times else [True])


def test_a_few_values_are_no_groups():
    guess = infer(
        {
            "body": [f"please look at ticket {n} for me today" for n in range(400)],
            "label": [("bill", "sales")[n % 2] for n in range(400)],
            "customer_rating": [str(n % 5) for n in range(400)],
            "customer": [f"c{n // 3}" for n in range(400)],
        }
    )
    assert guess.group == "customer"
    assert [name for key, name, why in guess.said if "too few" in why] == ["customer_rating"]


def test_what_lists_hold_is_read_as_reading_does():
    for cells in (
        [[" a"], ["b", ""], [None, 1.0]],
        ['[" a"]', '["b", ""]', "[null, 1.0]"],
    ):
        assert guessed(label=(cells * 14)[:40]).counts == {"1": 13, "a": 14, "b": 13}


def test_cells_that_are_no_lists_are_not_called_blank():
    guess = guessed(label=[["a"], ["b"], "a", ["a", "b"]] * 10)
    assert guess.empty is None


def test_names_go_before_their_numbers():
    guess = guessed(label=["0", "1", "2", "1"] * 10, label_name=["a", "b", "c", "b"] * 10)
    assert (guess.labels, guess.others) == ({"column": "label_name"}, ["label"])


def test_blank_cells_and_empty_lists_are_counted_together():
    guess = guessed(label=["", "[]", '["a"]', '["a", "b"]'] * 10)
    said = {key: why for key, _, why in guess.said}
    assert guess.empty == "unlabelled"
    assert said["empty"].startswith("20 of 40 rows have none and will be left out, 10 of them")


def test_a_comma_within_a_name_separates_nothing():
    guess = guessed(category=["Billing, refunds", "Sales"] * 20)
    assert guess.labels == {"column": "category"}
    assert sorted(guess.counts) == ["Billing, refunds", "Sales"]


def test_columns_of_0_and_1_are_labels_together():
    guess = guessed(anger=["1", "0", "0", "1"] * 10, joy=["0", "1", "", "1"] * 10)
    assert guess.labels == {"columns": ["anger", "joy"]}
    assert (guess.task, guess.empty) == ("multi_label", "none")
    assert guess.counts == {"anger": 20, "joy": 20}


def test_lists_and_json_are_labels():
    assert guessed(x=[["a"], ["a", "b"], []] * 13 + [["b"]]).labels == {"column": "x"}
    in_json = guessed(x=['["a"]', '["a", "b"]'] * 20)
    assert in_json.labels == {"column": "x", "json": True}
    assert in_json.counts == {"a": 40, "b": 20}


def test_blank_cells_are_rows_to_leave_out():
    guess = guessed(label=["a", "b", "", "a"] * 10)
    assert (guess.task, guess.empty) == ("single_label", "unlabelled")


def test_a_frequent_rest_is_thinned():
    guess = guessed(tags=["neutral", "neutral", "neutral", "joy;anger"] * 9 + ["joy"] * 4)
    assert guess.thin == "neutral"


def test_other_columns_that_could_hold_labels_are_told():
    guess = guessed(emotion=["a", "b"] * 20, channel=["mail", "chat"] * 20)
    assert guess.labels["column"] == "emotion"
    assert guess.others == ["channel"]


def test_what_only_the_whole_of_a_large_file_shows():
    count = LOOKED_AT * 3
    cells = {
        "id": [str(row) for row in range(count)],
        "thread": [str(row // 3) for row in range(count)],
        "body": [f"please look at ticket {row}" for row in range(count)],
        "label": ["a", "b"] * (count // 2),
    }
    hidden = next(row for row in range(count) if row not in set(_looked_at(count)))
    cells["label"][hidden] = "rare"
    guess = infer(cells)
    assert (guess.id, guess.group, guess.counts["rare"]) == ("id", "thread", 1)
    assert sum(guess.counts.values()) == count
    cells["id"][hidden] = "0"
    assert infer(cells).id is None


def test_what_is_said_wins():
    cells = {"body": BODIES, "title": BODIES, "emotion": ["a", "b"] * 20, "kind": ["x+y", "z"] * 20}
    guess = infer(cells, ["title", "body"], ["kind"], "+")
    assert guess.text == ["title", "body"]
    assert guess.labels == {"column": "kind", "separator": "+"}


@pytest.mark.parametrize(
    ("cells", "said", "words"),
    [
        ({"body": BODIES}, {}, "looks like labels"),
        ({"n": ["1", "2"], "m": ["3", "4"]}, {}, "holds words"),
        ({"body": BODIES, "x": ["a", "b"] * 20}, {"labels": ["y"]}, "no column 'y'"),
        ({"body": BODIES, "x": ["a", "b"] * 20}, {"text": ["boddy"]}, "did you mean 'body'"),
    ],
)
def test_what_cannot_be_guessed_is_an_error(cells, said, words):
    with pytest.raises(EmotionSlmError, match=words):
        infer(cells, **said)
