"""The form of an audit's result, and what happens when it fails."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from emotion_slm.common import files
from emotion_slm.common.errors import EmotionSlmError

EXAMPLES = 5
TOLERANCE = 2e-6  # of numbers kept to 6 decimals


def result(offenders: Mapping[str, Sequence[str]], findings: Mapping[str, object]) -> dict:
    """An audit's result from the ids that break each rule; findings are reported, never failed.

    `must_be_zero` counts every offender, `examples` names the first few.
    """
    return {
        "must_be_zero": {rule: len(ids) for rule, ids in offenders.items()},
        "findings": dict(findings),
        "examples": {
            rule: sorted(set(ids))[:EXAMPLES] for rule, ids in offenders.items() if len(ids)
        },
        "passed": not any(len(ids) for ids in offenders.values()),
    }


def unchecked(reasons: Mapping[str, str]) -> dict:
    """The result of parts that could not be checked, each for a reason: nothing has passed."""
    return result({}, {}) | {"not_checked": dict(reasons), "passed": False}


def merged(results: Sequence[dict]) -> dict:
    """One result out of several with different rules."""
    together: dict = {
        key: {name: value for part in results for name, value in part.get(key, {}).items()}
        for key in ("must_be_zero", "findings", "examples", "not_checked")
    }
    if not together["not_checked"]:
        del together["not_checked"]
    return {**together, "passed": all(part["passed"] for part in results)}


def counts(result: dict) -> dict[str, int]:
    """The content of metrics/leakage.json: rules checked and broken, test rows alike to others.

    Near-duplicates are those by characters: vectors move with every training.
    """
    rules, near = result["must_be_zero"], result["findings"]["near_duplicates"]["texts"]
    return {
        "rules": len(rules),
        "broken": sum(count > 0 for count in rules.values()),
        **{
            f"near_duplicates_in_{other}": near[f"test_in_{other}"]["rows"]
            for other in ("train", "validation")
        },
    }


def differences(found: object, expected: object, tolerance: float = TOLERANCE) -> list[str]:
    """Dotted paths of the values in which two JSON documents differ, missing and extra ones too.

    Numbers are equal within `tolerance`, relative and absolute; a truth value is no number.
    """
    return _differences(found, json.loads(json.dumps(expected)), tolerance, "")


def _differences(found: object, expected: object, tolerance: float, path: str) -> list[str]:
    if isinstance(found, list) and isinstance(expected, list):
        found, expected = (dict(enumerate(values)) for values in (found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        absent = object()
        return [
            place
            for key in sorted(found.keys() | expected.keys(), key=str)
            for place in _differences(
                found.get(key, absent),
                expected.get(key, absent),
                tolerance,
                f"{path}.{key}".lstrip("."),
            )
        ]
    if _is_number(found) and _is_number(expected):
        same = math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance)
    else:
        same = type(found) is type(expected) and found == expected
    return [] if same else [path or "everything"]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def table_differences(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping], tolerance: float = TOLERANCE
) -> list[str]:
    """Places `table.row.column` in which a CSV file differs from `rows`, in their order.

    A row is named by its first cell; what a row lacks is an empty cell.
    """
    name = path.stem
    written = files.read_csv(path, columns)
    expected = [{column: row.get(column, "") for column in columns} for row in rows]
    if len(written) != len(expected) or any(set(row) != set(columns) for row in written):
        return [f"{name}: rows or columns"]
    found = [
        {column: _as(row[column], cell) for column, cell in of_row.items()}
        for row, of_row in zip(written, expected, strict=True)
    ]
    first = columns[0]
    if differences(*([row[first] for row in table] for table in (found, expected))):
        return [f"{name}: rows or columns"]
    return [
        f"{name}.{row[first]}.{place}"
        for of_file, row in zip(found, expected, strict=True)
        for place in differences(of_file, row, tolerance)
    ]


def _as(cell: str, expected: object) -> object:
    """A cell of a file as what is expected there: a label may be called `1`, `true` or `nan`."""
    if isinstance(expected, str):
        return cell
    if isinstance(expected, bool):
        return {"true": True, "false": False}.get(cell, cell)
    try:
        return float(cell)
    except ValueError:
        return cell


def enforce(result: dict) -> None:
    """Raise EmotionSlmError naming each rule broken, how often, and some of the ids concerned.

    So it does each part that could not be checked, and why.
    """
    broken = [
        f"{rule} = {count} (such as {', '.join(result['examples'][rule])})"
        for rule, count in result["must_be_zero"].items()
        if count
    ]
    if broken:
        raise EmotionSlmError(
            f"the leak audit failed: {'; '.join(broken)}. Nothing trained on these files can be "
            "trusted; restore what was edited by hand and run `dvc repro`"
        )
    if result.get("not_checked"):
        parts = result["not_checked"]
        first, reason = next(iter(parts.items()))
        raise EmotionSlmError(
            f"the leak audit could not check {', '.join(parts)}; {first}, because of {reason}"
        )
