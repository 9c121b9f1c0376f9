"""The model card's front matter: what the hub reads, its `model-index` from metrics/test.json."""

from huggingface_hub import EvalResult, ModelCardData

from emotion_slm.corpus.goemotions import HUB_CONFIG, HUB_DATASET, HUB_REVISION
from emotion_slm.model.package import Origin

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
