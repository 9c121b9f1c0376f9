"""The model card, rendered from the files of a package."""

import textwrap
from collections.abc import Mapping

from emotion_slm.classifier.params import LinearHead
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import read_json, write_bytes
from emotion_slm.common.params import checked, shown
from emotion_slm.common.paths import CLASSIFIER
from emotion_slm.corpus.labels import Corpus
from emotion_slm.encoder.params import StartParams
from emotion_slm.evaluation.metrics import FEW_POSITIVES
from emotion_slm.package.config import (
    AT_HALF,
    CALIBRATION,
    CARD,
    CONFIG,
    UNCALIBRATED,
    package_file,
)
from emotion_slm.package.front_matter import front_matter, span
from emotion_slm.package.package import Package
from emotion_slm.package.public import public_name
from emotion_slm.package.results import read_results

BODY = """\
# emotion-slm, profile `{profile}`

{kind} over the {labels} labels of {title}, on {base}.
{warning}{exported}
## How to load

With emotion-slm installed, {gives}:

{loading}

{transformers}

## Intended use

Counting and exploring labels in many texts of the kind it was trained on, those of {title}.
{suits}

Not for judging a person, and not for decisions about one: about hiring, credit, health, policing.

## Test results

Corpus `{corpus}`, protocol `{protocol}`, natural label distribution; {fitted} from validation.

| | macro-F1 | {counted} | macro precision | macro recall | mAP |
|---|---|---|---|---|---|
| {decided} | {test[macro_f1]:.3f} ({interval}) | {counts[0]:.3f} | \
{test[macro_precision]:.3f} | {test[macro_recall]:.3f} | {test[map]:.3f} |
| {undecided} | {half[macro_f1]:.3f} | {counts[1]:.3f} | \
{half[macro_precision]:.3f} | {half[macro_recall]:.3f} | {half[map]:.3f} |

| label | precision | recall | F1 | 95 % interval | test rows |
|---|---|---|---|---|---|
{rows}

{targets}Intervals are bootstrap intervals over test rows.
{few}
Probabilities are calibrated by {method}: expected calibration error {half[ece]:.3f} before, \
{test[ece]:.3f} after.

## Leak audit

{audit}

## Limits

{limits}{unreliable}- Read as what a text expresses, never as what its author feels.
"""
# What BODY says of a model of any number of labels a text, and of exactly one.
OF_MANY = {
    "kind": "Multi-label classifier",
    "gives": "calibrated probabilities and tuned thresholds",
    "suits": "Thresholds suit the label frequencies there; tune them again on rows of your own.",
    "fitted": "thresholds and calibration\ncome",
    "counted": "micro-F1",
    "decided": "per-label thresholds",
    "undecided": "threshold 0.5, uncalibrated",
}
OF_ONE = {
    "kind": "Single-label classifier",
    "gives": "the most probable label, and calibrated probabilities of all",
    "suits": "Probabilities suit the label frequencies there.",
    "fitted": "calibration comes",
    "counted": "accuracy",
    "decided": "most probable label",
    "undecided": "the same, uncalibrated",
}
LOADING = """\
```python
from emotion_slm import EmotionClassifier

EmotionClassifier.from_pretrained("{model}").predict(["thank you so much!"])
```"""
PIPELINE = """\
With transformers, the {function}; {sigmoids}:

```python
import emotion_slm.transformers  # makes the architecture known to transformers
from transformers import pipeline

pipeline("text-classification", model="{model}", top_k=None, truncation=True)("thank you!")
```"""
DOWNLOAD = """\
```python
from huggingface_hub import snapshot_download
from emotion_slm import EmotionClassifier

EmotionClassifier.from_pretrained(snapshot_download("{model}")).predict(["thank you so much!"])
```"""
FEW = (
    f"\\* Unreliable: fewer than {FEW_POSITIVES} test rows, a handful of them decides the score.\n"
)
METHODS = {
    "softmax_temperature": "temperature scaling",
    "vector": "vector scaling, a slope and an intercept per label",
    "temperature": "temperature scaling",
    "platt": "Platt scaling per label",
    "isotonic": "isotonic regression per label",
    "blend": "the mean of Platt scaling and isotonic regression per label",
}
FOLDED = "it is calibrated, the calibration being folded into the head"
HALF_FOLDED = (
    "it is calibrated by Platt scaling, the half of the calibration that folds into the head"
)
RAW = "it is raw, because isotonic calibration cannot be folded into the head"
SIGMOIDS = {
    "temperature": FOLDED,
    "platt": FOLDED,
    "blend": HALF_FOLDED,
    "isotonic": RAW,
    "softmax_temperature": FOLDED,
    "vector": FOLDED,
}
NO_PIPELINE = "Transformers' Auto classes do not load it: {reason}."
EXPORTED = """
**Exported to ONNX, {precision}**: scored by ONNX Runtime on a CPU, which
the extra `onnx` of emotion-slm brings. The results below are those of the model it was exported
from.
"""
TARGETS = "Labels in bold are the {count} targets. "


def write_card(package: Package, model: str = CLASSIFIER.as_posix()) -> None:
    """Write `model_card` into the package's folder; `model`: the folder it is loaded from."""
    write_bytes(package.folder / CARD, model_card(package, model).encode())


def model_card(package: Package, model: str, on_hub: bool = False) -> str:
    """Markdown with Hugging Face front matter.

    `model`: what the examples load, a folder, or with `on_hub` a repository. EmotionSlmError when
    the package's results are missing, as of a package of an older release, or no results.
    """
    results, corpus = read_results(package), package.corpus
    labels, origin, test = corpus.labels, package.origin, results["test"]
    half = results[UNCALIBRATED if labels.single else AT_HALF]
    micro = "accuracy" if labels.single else "micro_f1"
    method = _method(package)
    few = [row["label"] for row in results["per_label"] if _few(row)]
    body = BODY.format(
        **origin._asdict(),
        **(OF_ONE if labels.single else OF_MANY),
        counts=(test[micro], half[micro]),
        base=_base(package),
        title=corpus.title,
        labels=len(labels),
        targets=TARGETS.format(count=len(labels.targets)) if _chosen(corpus) else "",
        limits="".join(_bullet(text) for text in corpus.limits),
        test=test,
        half=half,
        interval=span(test["macro_f1_low"], test["macro_f1_high"]),
        rows="\n".join(_row(row, _chosen(corpus)) for row in results["per_label"]),
        few=FEW if few else "",
        unreliable=f"- Unreliable, for want of test rows: {', '.join(few)}.\n" if few else "",
        method=METHODS[method],
        warning=f"\n**{_sentence(corpus.caption)}**\n" if corpus.caption else "",
        exported=EXPORTED.format(precision=package.onnx) if package.onnx else "",
        audit=_audit(results["leakage"]),
        loading=(DOWNLOAD if on_hub else LOADING).format(model=model),
        transformers=_transformers(package, method, model),
    )
    return f"---\n{front_matter(package, results, method)}\n---\n\n{body}"


def _method(package: Package) -> str:
    path = package_file(package.folder, CALIBRATION)
    method = read_json(path).get("method")
    if method not in list(METHODS):  # what a list takes, a dictionary may not
        raise EmotionSlmError(
            f"{path}: method: found {shown(method)}, expected one of {', '.join(METHODS)}"
        )
    return method


def _transformers(package: Package, method: str, model: str) -> str:
    if package.onnx:
        return NO_PIPELINE.format(reason="it is an ONNX graph")
    if not isinstance(package.finetuned.classifier, LinearHead):
        return NO_PIPELINE.format(reason="its classifier is no linear head")
    single = package.corpus.labels.single
    function = "softmax over the labels" if single else "sigmoid of each label"
    return PIPELINE.format(function=function, sigmoids=SIGMOIDS[method], model=model)


def _base(package: Package) -> str:
    """The pretrained model, and the one that its encoder was started from, if there is one."""
    base = public_name(package.encoder.id)
    encoder = package.provenance.parameters.get("encoder")
    if not isinstance(encoder, dict) or not encoder.get("start"):
        return base
    where = "provenance.parameters.encoder.start"
    start = checked(StartParams, encoder["start"], package.folder / CONFIG, where, most=1)
    return (
        f"{base},\nfine-tuned from the encoder of profile `{start.profile}` on corpus "
        f"`{start.corpus}` (SHA-256 of its config.json: {start.sha256})"
    )


def _chosen(corpus: Corpus) -> bool:
    """Whether some labels are targets and some are not."""
    return len(corpus.labels.targets) < len(corpus.labels)


def _bullet(text: str) -> str:
    """A Markdown list item, its lines broken as those of this card."""
    return textwrap.fill(text, 100, initial_indent="- ", subsequent_indent="  ") + "\n"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _row(row: Mapping, bold: bool) -> str:
    """A label's line of the table; `bold`: targets stand out."""
    name = f"**{row['label']}**" if bold and row["target"] else row["label"]
    numbers = " | ".join(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
    support = f"{row['support']:,}{'*' if _few(row) else ''}"
    return f"| {name} | {numbers} | {span(row['f1_low'], row['f1_high'])} | {support} |"


def _few(row: Mapping) -> bool:
    return row["support"] < FEW_POSITIVES


def _audit(leakage: Mapping[str, int]) -> str:
    """What the audit found, in sentences. A broken rule would have stopped the run."""
    return (
        f"Passed: of {leakage['rules']} rules, from raw corpus to test scores, none is broken: no "
        "row of validation or test reached training, by its id, its text or a synthetic row's "
        f"parents. {leakage['near_duplicates_in_train']:,} test rows have a near-duplicate in "
        "train; they are counted, not removed."
    )
