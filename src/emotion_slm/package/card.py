"""The model card, written from what the run measured; its front matter is what the hub reads."""

from huggingface_hub import EvalResult, ModelCardData

from emotion_slm.corpus.goemotions import HUB_CONFIG, HUB_DATASET, HUB_REVISION
from emotion_slm.corpus.labels import TARGETS
from emotion_slm.package.package import Origin

BODY = """\
# emotion-slm, profile `{profile}`

Multi-label emotion classifier over the 28 GoEmotions labels, on {base}.
{warning}
## How to load

With emotion-slm installed, calibrated probabilities and tuned thresholds:

{loading}

{transformers}

## Intended use

Counting and exploring emotions in many short informal English texts: comments, tickets, reviews.
Thresholds suit the label frequencies of Reddit; tune them again on rows of your own.

Not for judging a person, and not for decisions about one: about hiring, credit, health, policing.

## Test results

Corpus `{corpus}`, protocol `{protocol}`, natural label distribution; thresholds and calibration
come from validation.

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

## Leak audit

{audit}

## Limits

- English comments of Reddit, 2005 to 2019. Expect worse on other kinds of text and in other years;
  not for other languages.
- The labels are noisy: raters agree little on the rare emotions, and an audit of 1,000 comments
  found 308 badly labelled.
{unreliable}\
- Bias: Reddit's users are mostly young and male, the raters all come from India, and the base model
  brings the biases of its own training. Dialect, slang and irony of others are probably read less
  well. Nothing here measured differences between groups of people.
- Read as the emotion a text expresses, never as what its author feels.
"""
LOADING = """\
```python
from emotion_slm import EmotionClassifier

EmotionClassifier.from_pretrained("{model}").predict(["thank you so much!"])
```"""
PIPELINE = """\
With transformers, the sigmoid of each label; {sigmoids}:

```python
import emotion_slm.transformers  # makes the architecture known to transformers
from transformers import pipeline

pipeline("text-classification", model="{model}", top_k=None, truncation=True)("thank you!")
```"""
FOLDER = "models/classifier"
DOWNLOAD = """\
```python
from huggingface_hub import snapshot_download
from emotion_slm import EmotionClassifier

EmotionClassifier.from_pretrained(snapshot_download("{model}")).predict(["thank you so much!"])
```"""
FEW = "\\* Unreliable: fewer than 100 test rows, a handful of them decides the score.\n"
METHODS = {
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
SIGMOIDS = {"temperature": FOLDED, "platt": FOLDED, "blend": HALF_FOLDED, "isotonic": RAW}
NO_PIPELINE = "Transformers' Auto classes do not load it: its classifier is no linear head."
SAMPLE_WARNING = """
**Trained on the bundled sample corpus: it proves the plumbing and says nothing about quality.**
"""


def model_card(origin: Origin, base: str, test: dict, leakage: dict, linear: bool) -> str:
    """Markdown with Hugging Face front matter.

    `test` is the content of metrics/test.json; `leakage` the audit's result on everything but the
    package, which does not exist yet; `linear` whether the classifier is a linear head.
    """
    rows = [
        f"| {f'**{label}**' if label in TARGETS else label} | {row['precision']:.3f} | "
        f"{row['recall']:.3f} | {row['f1']:.3f} | {_span(row['f1_interval'])} | "
        f"{row['support']:,}{'*' if row['few_positives'] else ''} |"
        for label, row in test["per_label"].items()
    ]
    few = [label for label, row in test["per_label"].items() if row["few_positives"]]
    calibration = test["calibration"]
    pipeline = PIPELINE.format(sigmoids=SIGMOIDS[calibration["method"]], model=FOLDER)
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
        unreliable=f"- Unreliable, for want of test rows: {', '.join(few)}.\n" if few else "",
        method=METHODS[calibration["method"]],
        before=calibration["before"]["ece"],
        after=calibration["after"]["ece"],
        warning=SAMPLE_WARNING if origin.corpus == "sample" else "",
        audit=_audit(leakage),
        loading=LOADING.format(model=FOLDER),
        transformers=pipeline if linear else NO_PIPELINE,
    )
    return f"---\n{front_matter(origin, base, test)}\n---\n\n{body}"


def published(card: str, repo_id: str) -> str:
    """The card with the ways to load the model from the hub in place of those from a folder."""
    card = card.replace(LOADING.format(model=FOLDER), DOWNLOAD.format(model=repo_id))
    return card.replace(f'model="{FOLDER}"', f'model="{repo_id}"')


def _audit(leakage: dict) -> str:
    """What the audit found, in sentences."""
    counts = leakage["must_be_zero"].values()
    broken = sum(count > 0 for count in counts)
    verdict = (
        f"FAILED: {broken} of {len(counts)} rules are broken: a test row may have reached training."
        if broken
        else f"Passed: of {len(counts)} rules, from raw corpus to test scores, none is broken: no "
        "row of validation or test reached training, by its id, its text or a synthetic row's "
        "parents."
    )
    near = leakage["findings"].get("near_duplicates", {}).get("texts", {}).get("test_in_train")
    if near is None:
        return verdict
    return (
        f"{verdict} {near['rows']:,} test rows have a near-duplicate in train; they are "
        "counted, not removed."
    )


def _span(interval: list[float]) -> str:
    low, high = interval
    return f"{low:.3f}–{high:.3f}"


# Metric of the hub, its name in the table, key of metrics/test.json, further arguments.
METRICS = (
    ("f1", "macro-F1", "macro_f1", {"average": "macro", "zero_division": 0}),
    ("f1", "micro-F1", "micro_f1", {"average": "micro"}),
    ("precision", "macro precision", "macro_precision", {"average": "macro", "zero_division": 0}),
    ("recall", "macro recall", "macro_recall", {"average": "macro", "zero_division": 0}),
    ("accuracy", "exact-match accuracy", "exact_accuracy", {}),
)
TUNED = "per label, tuned on validation"
SAMPLE_DATASET = "emotion-slm-sample"  # bundled, on no hub


def front_matter(origin: Origin, base: str, test: dict) -> str:
    """YAML without its `---` lines; `test` is the content of metrics/test.json."""
    real = origin.corpus != "sample"
    return ModelCardData(
        language="en",
        license="apache-2.0",
        library_name="emotion-slm",
        pipeline_tag="text-classification",
        tags=["emotion", "multi-label-classification", "goemotions"],
        datasets=[HUB_DATASET] if real else None,
        metrics=["f1", "precision", "recall", "accuracy"],
        base_model=base,
        model_name=f"emotion-slm {origin.profile}",
        eval_results=eval_results(origin, test),
    ).to_yaml()


def eval_results(origin: Origin, test: dict) -> list[EvalResult]:
    """The scores of metrics/test.json, at tuned thresholds and at 0.5, then mAP."""
    method = test["calibration"]["method"]
    settings = (
        (test, "thresholds tuned on validation", {"threshold": TUNED, "calibration": method}),
        (test["at_0_5"], "threshold 0.5, uncalibrated", {"threshold": 0.5, "calibration": "none"}),
    )
    results = []
    for scores, setting, applied in settings:
        for metric, name, key, arguments in METRICS:
            interval = scores.get("intervals", {}).get(key)
            bounds = {"bootstrap_interval_95": interval} if interval else {}
            span = f", 95 % interval {interval[0]:.3f}–{interval[1]:.3f}" if interval else ""
            title = f"{name} ({setting}{span})"
            results.append(
                _result(origin, metric, title, scores[key], {**arguments, **applied, **bounds})
            )
    title = "mean average precision over labels (raw logits)"
    results.append(_result(origin, "average_precision", title, test["map"], {"average": "macro"}))
    return results


def _result(origin: Origin, metric: str, name: str, value: float, arguments: dict) -> EvalResult:
    real = origin.corpus != "sample"
    official = origin.protocol == "official"
    return EvalResult(
        task_type="text-classification",
        task_name="Multi-label emotion classification",
        dataset_type=HUB_DATASET if real else SAMPLE_DATASET,
        dataset_name="GoEmotions" if real else "emotion-slm's bundled sample corpus",
        dataset_config=HUB_CONFIG if real else None,
        # The pooled protocol draws its own test set from all rows.
        dataset_split="test" if official else "test of a stratified 60:20:20 split of all rows",
        dataset_revision=HUB_REVISION if real else None,
        dataset_args={"protocol": origin.protocol},
        metric_type=metric,
        metric_name=name,
        metric_value=value,
        metric_args=arguments,
    )
