import re
from io import StringIO

import pytest
from rich.console import Console

from emotion_slm.audit.result import merged, result
from emotion_slm.audit.table import screen

FINDINGS = {
    "rows": {"train": 12345, "test": 678},
    "encoder_frozen": False,
    "near_duplicates": {
        "texts": {
            "test_in_train": {"rows": 2, "per_label": {"joy": 2}, "examples": [["t1", "t2"]]}
        },
        "vectors": {"test_in_train": {"rows": 0, "per_label": {}, "examples": []}},
    },
}


def rendered(content: dict, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(screen(content))
    return console.file.getvalue()


def test_passed_rules_are_condensed_and_findings_readable():
    text = rendered(result({"ids_repeated": [], "rows_missing": []}, FINDINGS))
    assert "passed: 2 rules hold" in text and "FAILED" not in text
    assert "ids repeated, rows missing" in text
    assert "train 12,345 · test 678" in text
    assert re.search(r"test in train +│ +2 │ joy 2 +│ t1 ~ t2", text)


@pytest.mark.parametrize("width", [80, 120])
def test_broken_rules_come_first_with_count_and_examples(width):
    text = rendered(result({"fine": [], "ids_repeated": ["a", "b", "[red]c"]}, FINDINGS), width)
    assert "FAILED: 1 of 2 rules broken" in text
    assert re.search(r"✗ ids repeated +│ +3 │ \[red\]c, a, b", text)
    assert text.index("ids repeated") < text.index("fine")
    assert max(map(len, text.splitlines())) <= width


def test_parts_that_were_not_checked_are_named_with_the_reason():
    text = rendered(result({"fine": []}, {}) | {"passed": False, "not_checked": {"raw": "no [x]"}})
    assert "incomplete: 1 rules hold, 1 part not checked" in text
    assert re.search(r"\? raw +│ no \[x\]", text)


def test_an_audit_of_nothing():
    content = merged([]) | {"passed": False, "not_checked": {"split": "gone", "raw": "gone"}}
    assert "2 parts not checked" in rendered(content)
