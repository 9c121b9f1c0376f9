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
| per-label thresholds | {macro_f1:.3f} | {micro_f1:.3f} | {macro_precision:.3f} | \
{macro_recall:.3f} | {map:.3f} |
| threshold 0.5, uncalibrated | {half[macro_f1]:.3f} | {half[micro_f1]:.3f} | \
{half[macro_precision]:.3f} | {half[macro_recall]:.3f} | {half[map]:.3f} |

| label | precision | recall | F1 | test rows |
|---|---|---|---|---|
{rows}

Labels in bold are the recipe's 15 targets. A label with few test rows has an unreliable score.

## Limits

Trained on English Reddit comments whose labels are noisy: raters agree little on the rare
emotions, and an audit of 1,000 comments found 308 badly labelled. Expect worse on other kinds of
text. Do not use it to judge a person.
"""
SAMPLE_WARNING = """
**Trained on the bundled sample corpus: it proves the plumbing and says nothing about quality.**
"""


def model_card(origin: Origin, base: str, test: dict, audit_passed: bool) -> str:
    """Markdown with Hugging Face front matter; `test` is the content of metrics/test.json."""
    rows = [
        f"| {f'**{label}**' if label in TARGETS else label} | {row['precision']:.3f} | "
        f"{row['recall']:.3f} | {row['f1']:.3f} | {row['support']:,} |"
        for label, row in test["per_label"].items()
    ]
    body = BODY.format(
        **origin._asdict(),
        **{key: test[key] for key in ("macro_f1", "micro_f1", "macro_precision", "macro_recall")},
        map=test["map"],
        half=test["at_0_5"],
        base=base,
        rows="\n".join(rows),
        warning=SAMPLE_WARNING if origin.corpus == "sample" else "",
        audit="passed" if audit_passed else "FAILED",
    )
    return FRONT_MATTER.format(base=base) + "\n" + body
