"""The leak audit: proves from the files alone that no test or validation row reached training.

Nothing is trusted from the code that wrote the files. Stages split and ismote end with their own
parts, so a leak stops the run before anything is trained on it; stage evaluate runs those of
LEAKS before it writes a metric, `emotion-slm audit` all of them. What each rule proves, and what
none can: docs/understand/audit.md.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from emotion_slm.audit.balance import audit_balance
from emotion_slm.audit.evaluation import audit_evaluation
from emotion_slm.audit.near_duplicates import audit_near_duplicates
from emotion_slm.audit.package import audit_package
from emotion_slm.audit.raw import audit_raw
from emotion_slm.audit.result import merged
from emotion_slm.audit.results import audit_results
from emotion_slm.audit.split import audit_split
from emotion_slm.audit.vectors import audit_vectors
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import Document
from emotion_slm.common.paths import RUN
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.corpus.params import SplitParams
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.evaluation.params import EvaluateParams

Part = Callable[[Path], dict]


def audit(
    root: Path = Path(), strict: bool = True, parts: Mapping[str, Part] | None = None
) -> dict:
    """The rules of all PARTS, or of some `parts`, checked in the workspace at `root`.

    What cannot be checked, because a file is missing or unreadable, raises EmotionSlmError; unless
    `strict`, it is named under `not_checked` with the reason, and nothing has `passed`.
    """
    results, not_checked = [], {}
    for name, part in (PARTS if parts is None else parts).items():
        try:
            results.append(part(root))
        except EmotionSlmError as error:
            if strict:
                raise
            not_checked[name] = str(error).replace(f"{root}/", "")
    result = merged(results)
    if not_checked:
        result |= {"not_checked": not_checked, "passed": False}
    return result


def _raw(root: Path) -> dict:
    return audit_raw(root, _document(root).section("split", SplitParams).protocol)


def _vectors(root: Path) -> dict:
    return audit_vectors(root, _document(root).section("encoder", EncoderParams))


def _results(root: Path) -> dict:
    document = _document(root)
    pin_threads(document.threads)  # what is fitted again must come out as stage evaluate fitted it
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    return audit_results(root, thresholds, child_seed(document.seed, "evaluate"))


def _document(root: Path) -> Document:
    return Document.of_run(root / RUN)


# What shows whether a held-out row reached training, before there is a package.
LEAKS: dict[str, Part] = {
    "split": audit_split,
    "raw": _raw,
    "balance": audit_balance,
    "vectors": _vectors,
    "near_duplicates": audit_near_duplicates,
    "evaluation": audit_evaluation,
}
PARTS: dict[str, Part] = {**LEAKS, "package": audit_package, "results": _results}
