"""What a training stage says of itself in its closing line."""

from pathlib import Path

from emotion_slm.params.training import TrainingParams
from emotion_slm.training.curve import best
from emotion_slm.training.device import peak_memory
from emotion_slm.training.trainer import Training


def summary(training: Training, rows: int, params: TrainingParams, output: Path) -> str:
    """Rows, the epoch kept and its quality, speed, peak memory, and where the weights are."""
    kept = best(training.curve, params.selection)
    return (
        f"{rows:,} rows, epoch {kept.epoch} of {len(training.curve)} kept, validation mAP "
        f"{kept.validation_map:.3f}, {training.samples_per_second:,.0f} samples/s, "
        f"{peak_memory()} → {output}"
    )
