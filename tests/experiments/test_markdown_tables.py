import pytest
from markdown_tables import decimals, sections, signed, table


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0123, "+.012"),
        (-0.0035, "−.004"),
        (0.0004, "+.000"),
        (-0.0004, "−.000"),
        (-1.5, "−1.500"),
    ],
)
def test_signed(value, expected):
    assert signed(value) == expected


def test_a_line_per_row_under_a_head():
    made = table(["arm", "F1"], [["none", decimals(0.25)]])
    assert made == "| arm | F1 |\n| --- | --- |\n| none | .250 |\n"
    assert sections({"scores": made, "more": "x\n"}) == f"## scores\n\n{made}\n## more\n\nx\n"
