"""The whole leak audit, `emotion-slm audit`: proves from the files alone that no test or validation
row reached training, and that every number follows from what it should follow from.

Nothing is trusted from the code that wrote the files. Stages split and ismote end with their own
parts, so a leak stops the run before anything is trained on it; stage evaluate runs those of
LEAKS before it writes a metric. What each rule proves, and what none can:
docs/understand/audit.md.
"""

from pathlib import Path

from emotion_slm.audit.classifier import audit_classifier
from emotion_slm.audit.leaks import LEAKS, Part, check, document_of
from emotion_slm.audit.package import audit_package
from emotion_slm.audit.remade import audit_remade
from emotion_slm.audit.result import counts, differences, merged, result
from emotion_slm.audit.results import audit_results
from emotion_slm.audit.vectors import FULL_SAMPLE, audit_vectors
from emotion_slm.common import files
from emotion_slm.common.paths import CLASSIFIER, METRICS
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.params import EncoderParams
from emotion_slm.evaluation.params import EvaluateParams
from emotion_slm.package.config import RESULTS


def audit(root: Path = Path(), strict: bool = True) -> dict:
    """The rules of all PARTS, checked in the workspace at `root` as `leaks.check` does."""
    of_stage = check({name: PARTS[name] for name in LEAKS}, root, strict)
    following = check({name: PARTS[name] for name in PARTS.keys() - LEAKS.keys()}, root, strict)
    parts = [of_stage, following]
    if "not_checked" not in of_stage:  # otherwise there is nothing to compare the counts with
        parts.append(check({"leakage": lambda root: _audit_counts(root, of_stage)}, root, strict))
    return merged(parts)


def _audit_counts(root: Path, of_stage: dict) -> dict:
    """Check that metrics/leakage.json, and the package's copy, hold what was found again."""
    expected = counts(of_stage)
    packaged = files.read_json(root / CLASSIFIER / RESULTS).get("leakage")
    places = [
        *differences(files.read_json(root / METRICS / "leakage.json"), expected),
        *(f"{RESULTS}: {place}" for place in differences(packaged, expected)),
    ]
    return result({"leakage_counts_not_found_again": places}, {})


def _vectors(root: Path) -> dict:
    return audit_vectors(root, document_of(root).section("encoder", EncoderParams), FULL_SAMPLE)


def _remade(root: Path) -> dict:
    return audit_remade(root, document_of(root))


def _classifier(root: Path) -> dict:
    return audit_classifier(root, document_of(root))


def _package(root: Path) -> dict:
    return audit_package(root, document_of(root))


def _results(root: Path) -> dict:
    document = document_of(root)
    pin_threads(document.threads)  # what is fitted again must come out as stage evaluate fitted it
    thresholds = document.section("evaluate", EvaluateParams).thresholds
    return audit_results(root, thresholds, child_seed(document.seed, "evaluate"))


PARTS: dict[str, Part] = {
    **LEAKS,
    "vectors": _vectors,
    "remade": _remade,
    "classifier": _classifier,
    "package": _package,
    "results": _results,
}
