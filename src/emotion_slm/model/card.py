"""The model card, written from what the run measured."""

from emotion_slm.labels import TARGETS
from emotion_slm.model.package import Origin

FRONT_MATTER = """\
---
language: en
license: apache-2.0
library_name: emotion-slm
pipeline_tag: text-classification
tags: [emotion, multi-label-classification, goemotions]
datasets: [google-research-datasets/go_emotions]
metrics: [f1]
base_model: {base}
---
"""
BODY = """\
# emotion-slm, profile `{profile}`

Multi-label emotion classifier over the 28 GoEmotions labels, on {base}.
{warning}
```python
from emotion_slm import EmotionClassifier

EmotionClassifier.from_pretrained("models/classifier").predict(["thank you so much!"])
```

## Test results

Corpus `{corpus}`, protocol `{protocol}`, natural label distribution; thresholds and calibration
come from validation. The leak audit of this run {audit}.

| | macro-F1 | micro-F1 | macro precision | macro recall | mAP |
|---|---|---|---|---|---|
| per-label thresholds | {macro_f1:.3f} ({macro_interval}) | {micro_f1:.3f} ({micro_interval}) | \
{macro_precision:.3f} | {macro_recall:.3f} | {map:.3f} |
| threshold 0.5, uncalibrated | {half[macro_f1]:.3f} | {half[micro_f1]:.3f} | \
{half[macro_precision]:.3f} | {half[macro_recall]:.3f} | {half[map]:.3f} |

| label | precision | recall | F1 | 95 % interval | test rows |
|---|---|---|---|---|---|
{rows}

Labels in bold are the recipe's 15 targets. Intervals are bootstrap intervals over test rows.
{few}
Probabilities are calibrated by {method}: expected calibration error {before:.3f} before, \
{after:.3f} after.

## Limits

Trained on English Reddit comments whose labels are noisy: raters agree little on the rare
emotions, and an audit of 1,000 comments found 308 badly labelled. Expect worse on other kinds of
text. Do not use it to judge a person.
"""
FEW = "\\* Fewer than 100 test rows: a handful of them decides the score.\n"
METHODS = {
    "temperature": "temperature scaling",
    "platt": "Platt scaling per label",
    "isotonic": "isotonic regression per label",
}
SAMPLE_WARNING = """
**Trained on the bundled sample corpus: it proves the plumbing and says nothing about quality.**
"""


def model_card(origin: Origin, base: str, test: dict, audit_passed: bool) -> str:
    """Markdown with Hugging Face front matter; `test` is the content of metrics/test.json."""
    rows = [
        f"| {f'**{label}**' if label in TARGETS else label} | {row['precision']:.3f} | "
        f"{row['recall']:.3f} | {row['f1']:.3f} | {_span(row['f1_interval'])} | "
        f"{row['support']:,}{'*' if row['few_positives'] else ''} |"
        for label, row in test["per_label"].items()
    ]
    few = any(row["few_positives"] for row in test["per_label"].values())
    calibration = test["calibration"]
    body = BODY.format(
        **origin._asdict(),
        **{key: test[key] for key in ("macro_f1", "micro_f1", "macro_precision", "macro_recall")},
        map=test["map"],
        half=test["at_0_5"],
        base=base,
        macro_interval=_span(test["intervals"]["macro_f1"]),
        micro_interval=_span(test["intervals"]["micro_f1"]),
        rows="\n".join(rows),
        few=FEW if few else "",
        method=METHODS[calibration["method"]],
        before=calibration["before"]["ece"],
        after=calibration["after"]["ece"],
        warning=SAMPLE_WARNING if origin.corpus == "sample" else "",
        audit="passed" if audit_passed else "FAILED",
    )
    return FRONT_MATTER.format(base=base) + "\n" + body


def _span(interval: list[float]) -> str:
    low, high = interval
    return f"{low:.3f}–{high:.3f}"
