"""The parts of the audit that stage evaluate runs before it writes a metric.

They show whether a held-out row reached training, before there is a package. What follows from
other files by computing it again is left to `emotion-slm audit` (audit.py).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from emotion_slm.audit.balance import audit_balance
from emotion_slm.audit.evaluation import audit_evaluation
from emotion_slm.audit.near_duplicates import audit_near_duplicates
from emotion_slm.audit.raw import audit_raw
from emotion_slm.audit.result import merged, unchecked
from emotion_slm.audit.split import audit_split
from emotion_slm.audit.vectors import QUICK_SAMPLE, audit_vectors
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import AGAIN
from emotion_slm.common.params import Document
from emotion_slm.common.paths import RUN
from emotion_slm.corpus.params import SplitParams
from emotion_slm.encoder.params import EncoderParams

Part = Callable[[Path], dict]


def check(parts: Mapping[str, Part], root: Path = Path(), strict: bool = True) -> dict:
    """The rules of `parts`, checked in the workspace at `root`.

    What cannot be checked, because a file is missing or unreadable, raises EmotionSlmError; unless
    `strict`, it is named under `not_checked` with the reason, and nothing has `passed`.
    """
    results, not_checked = [], {}
    for name, part in parts.items():
        try:
            results.append(_checked(name, part, root))
        except EmotionSlmError as error:
            if strict:
                raise
            reason = str(error).replace(f"{root}/", "")
            not_checked[name] = reason if "`dvc repro`" in reason else f"{reason}; {AGAIN}"
    if not_checked:
        results.append(unchecked(not_checked))
    return merged(results)


def _checked(name: str, part: Part, root: Path) -> dict:
    """The result of one part: content that no reader foresaw is told, and ends no audit."""
    try:
        return part(root)
    except EmotionSlmError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OSError) as error:
        raise EmotionSlmError(
            f"part {name} of the audit of {root.absolute()}: a file holds what its stage does not "
            f"write ({type(error).__name__}: {error}); make the workspace again with `dvc repro`"
        ) from error


def document_of(root: Path) -> Document:
    """The settings of the run in `root`."""
    return Document.of_run(root / RUN)


def _raw(root: Path) -> dict:
    return audit_raw(root, document_of(root).section("split", SplitParams).protocol)


def _vectors(root: Path) -> dict:
    return audit_vectors(root, document_of(root).section("encoder", EncoderParams), QUICK_SAMPLE)


LEAKS: dict[str, Part] = {
    "split": audit_split,
    "raw": _raw,
    "balance": audit_balance,
    "vectors": _vectors,
    "near_duplicates": audit_near_duplicates,
    "evaluation": lambda root: audit_evaluation(root, document_of(root)),
}
