"""One training core for text and for vectors: transformers' Trainer with our loss and order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from emotion_slm.console import console, progress
from emotion_slm.errors import EmotionSlmError
from emotion_slm.evaluation.ranking import macro_f1, mean_average_precision
from emotion_slm.model.losses import Loss
from emotion_slm.params.training import TrainingParams
from emotion_slm.training.checkpoints import MarkComplete, last_complete
from emotion_slm.training.curve import Epoch
from emotion_slm.training.sampler import SeededSampler

DIVERGED = "training diverged: {}; lower the learning rate or use precision float32"
SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


class Rows(Dataset):
    """Features and gold labels by row; whole batches are fetched at once.

    `features`: n items; `gold`: (n, 28) int8; `collate`: list of features → model inputs.
    """

    def __init__(self, features, gold: np.ndarray, collate: Callable[[Any], dict]):
        self.features = features
        self.gold = gold
        self.collate = collate

    def __len__(self) -> int:
        return len(self.gold)

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        if isinstance(self.features, np.ndarray):
            features = self.features[indices]
        else:
            features = [self.features[index] for index in indices]
        labels = torch.from_numpy(self.gold[indices].astype(np.float32))
        return {**self.collate(features), "labels": labels}


def train(
    model: nn.Module,
    loss: Loss,
    train_rows: Rows,
    validation_rows: Rows,
    params: TrainingParams,
    seed: int,
    folder: Path,
    lengths: np.ndarray | None = None,
) -> list[Epoch]:
    """Train `model` in place and leave it with the weights of its best epoch.

    Checkpoints every epoch under `folder` and resumes from the last complete one. `lengths`, (n,),
    groups rows of like length into batches. Returns the training curve.
    Raises EmotionSlmError when the loss stops being a number.
    """
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=params.epochs,
        per_device_train_batch_size=params.batch_size,
        per_device_eval_batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        lr_scheduler_type=SCHEDULES[params.schedule],
        warmup_steps=params.warmup_ratio,  # a float below 1 is a share of all steps
        weight_decay=params.weight_decay,
        optim="adamw_torch_fused",
        bf16=params.precision == "bfloat16" and has_bfloat16(),
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,  # the last and the best are kept
        load_best_model_at_end=True,
        metric_for_best_model=params.selection,
        greater_is_better=True,
        label_names=["labels"],
        logging_nan_inf_filter=False,  # the default hides a diverged loss
        remove_unused_columns=False,
        seed=seed,
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=train_rows,
        eval_dataset=validation_rows,
        data_collator=_identity,
        compute_loss_func=lambda outputs, labels, **_: loss(outputs["logits"], labels),
        compute_metrics=_validation_metrics,
        callbacks=[MarkComplete(), StopOnBadLoss()],
    )
    trainer.sampler = SeededSampler(len(train_rows), params.batch_size, seed, lengths)
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    checkpoint = last_complete(folder)
    if checkpoint:
        console.print(f"resuming from {checkpoint}", markup=False)
    total = params.epochs * -(-len(train_rows) // params.batch_size)
    with progress("training", total) as advance:
        trainer.add_callback(_Advance(advance))
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    # The model's forward leaves here as it came, without the wrapper for mixed precision.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return _curve(trainer.state.log_history)


def has_bfloat16() -> bool:
    """Whether this machine computes bfloat16 in hardware; elsewhere it is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


class _Trainer(Trainer):
    """Stock Trainer but for the order of rows."""

    sampler: SeededSampler

    def _get_train_sampler(self, train_dataset=None) -> SeededSampler:
        return self.sampler


class StopOnBadLoss(TrainerCallback):
    """Stops at the first logged loss that is not a number, before its weights are saved."""

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        for name in ("loss", "eval_loss"):
            value = (logs or {}).get(name, 0.0)
            if not np.isfinite(value):
                problem = f"{name} is {value} at step {state.global_step}"
                raise EmotionSlmError(DIVERGED.format(problem))


class _Advance(TrainerCallback):
    def __init__(self, advance: Callable[[float], None]):
        self.advance = advance

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        self.advance(state.global_step)  # above 0 when a run is resumed

    def on_step_end(self, args, state, control, **kwargs) -> None:
        self.advance(1)


def _identity(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return batch


def _validation_metrics(prediction) -> dict[str, float]:
    if not np.isfinite(prediction.predictions).all():
        raise EmotionSlmError(DIVERGED.format("a validation logit is not finite"))
    probabilities = expit(prediction.predictions.astype(np.float64))
    gold = prediction.label_ids.astype(np.int8)
    return {
        "map": mean_average_precision(gold, probabilities),
        "macro_f1": macro_f1(gold, probabilities),
    }


def _curve(history: list[dict]) -> list[Epoch]:
    train_losses = {round(log["epoch"]): log["loss"] for log in history if "loss" in log}
    return [
        Epoch(
            epoch=round(log["epoch"]),
            train_loss=train_losses[round(log["epoch"])],
            validation_loss=log["eval_loss"],
            validation_map=log["eval_map"],
            validation_macro_f1=log["eval_macro_f1"],
        )
        for log in history
        if "eval_loss" in log
    ]
