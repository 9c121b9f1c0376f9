"""The form of an audit's result, and what happens when it fails."""

from collections.abc import Mapping, Sequence

from emotion_slm.common.errors import EmotionSlmError

EXAMPLES = 5


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


def merged(results: Sequence[dict]) -> dict:
    """One result out of several with different rules."""
    return {
        "must_be_zero": {rule: n for part in results for rule, n in part["must_be_zero"].items()},
        "findings": {name: value for part in results for name, value in part["findings"].items()},
        "examples": {rule: ids for part in results for rule, ids in part["examples"].items()},
        "passed": all(part["passed"] for part in results),
    }


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


def enforce(result: dict) -> None:
    """Raise EmotionSlmError naming each rule broken, how often, and some of the ids concerned."""
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
