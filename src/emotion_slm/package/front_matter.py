"""The front matter of a model card, which the hub reads: what the model is, and its scores."""

from collections.abc import Mapping

from huggingface_hub import EvalResult, ModelCardData

from emotion_slm.corpus.labels import Corpus
from emotion_slm.package.config import AT_HALF, UNCALIBRATED
from emotion_slm.package.package import Origin, Package
from emotion_slm.package.public import is_hub_name

# Metric of the hub, its name in the table, key of metrics/test.json, further arguments.
METRICS = (
    ("f1", "macro-F1", "macro_f1", {"average": "macro", "zero_division": 0}),
    ("f1", "micro-F1", "micro_f1", {"average": "micro"}),
    ("precision", "macro precision", "macro_precision", {"average": "macro", "zero_division": 0}),
    ("recall", "macro recall", "macro_recall", {"average": "macro", "zero_division": 0}),
    ("accuracy", "exact-match accuracy", "exact_accuracy", {}),
)
# Where a text has exactly one label.
METRICS_OF_ONE = (
    ("f1", "macro-F1", "macro_f1", {"average": "macro", "zero_division": 0}),
    ("accuracy", "accuracy", "accuracy", {}),
    ("precision", "macro precision", "macro_precision", {"average": "macro", "zero_division": 0}),
    ("recall", "macro recall", "macro_recall", {"average": "macro", "zero_division": 0}),
)
TUNED = "per label, tuned on validation"


def front_matter(package: Package, results: Mapping, method: str) -> str:
    """YAML without its `---` lines."""
    origin, corpus = package.origin, package.corpus
    return ModelCardData(
        language=corpus.language,
        license="apache-2.0",
        library_name="emotion-slm",
        pipeline_tag="text-classification",
        tags=["emotion", f"{corpus.task.replace('_', '-')}-classification", corpus.name],
        datasets=[corpus.hub["hub"]] if corpus.hub else None,
        metrics=["f1", "precision", "recall", "accuracy"],
        base_model=package.encoder.id if is_hub_name(package.encoder.id) else None,
        model_name=f"emotion-slm {origin.profile}",
        eval_results=eval_results(origin, corpus, results, method),
    ).to_yaml()


def eval_results(origin: Origin, corpus: Corpus, results: Mapping, method: str) -> list[EvalResult]:
    """The scores at tuned thresholds and at 0.5, then mAP; of one label a text those of the most
    probable one, calibrated and not."""
    test, single = results["test"], corpus.labels.single
    bounds = [test["macro_f1_low"], test["macro_f1_high"]]
    settings = (
        (test, "thresholds tuned on validation", {"threshold": TUNED, "calibration": method}),
        (
            results.get(AT_HALF),
            "threshold 0.5, uncalibrated",
            {"threshold": 0.5, "calibration": "none"},
        ),
    )
    if single:
        settings = (
            (test, "most probable label", {"calibration": method}),
            (results[UNCALIBRATED], "most probable label, uncalibrated", {"calibration": "none"}),
        )
    found = []
    for scores, setting, applied in settings:
        for metric, name, key, arguments in METRICS_OF_ONE if single else METRICS:
            title, more = f"{name} ({setting})", {**arguments, **applied}
            if scores is test and key == "macro_f1":
                title = f"{name} ({setting}, 95 % interval {span(*bounds)})"
                more["bootstrap_interval_95"] = bounds
            found.append(_result(origin, corpus, metric, title, scores[key], more))
    title = f"mean average precision over labels ({'probabilities' if single else 'raw logits'})"
    return [
        *found,
        _result(origin, corpus, "average_precision", title, test["map"], {"average": "macro"}),
    ]


def _result(
    origin: Origin, corpus: Corpus, metric: str, name: str, value: float, arguments: dict
) -> EvalResult:
    hub = corpus.hub or {}
    official = origin.protocol == "official"
    # The pooled protocol draws its own test set from all rows.
    drawn = "test of a stratified 60:20:20 split of all rows"
    if "time" in corpus.columns:
        drawn = "test of a 60:20:20 split of all rows by time, the newest"
    return EvalResult(
        task_type="text-classification",
        task_name=f"{'Single' if corpus.labels.single else 'Multi'}-label classification",
        dataset_type=hub.get("hub", f"emotion-slm-{corpus.name}"),  # of one that is on no hub
        dataset_name=corpus.title,
        dataset_config=hub.get("config"),
        dataset_split="test" if official else drawn,
        dataset_revision=hub.get("revision"),
        dataset_args={"protocol": origin.protocol},
        metric_type=metric,
        metric_name=name,
        metric_value=value,
        metric_args=arguments,
    )


def span(low: float, high: float) -> str:
    return f"{low:.3f}–{high:.3f}"
