"""Stage adapt: the SLM reads train's texts, in their natural distribution, before any balancing."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from emotion_slm.backbone.machine import preflight
from emotion_slm.backbone.pretrained import locate
from emotion_slm.backbone.tensors import load_trained
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import sha256_lines
from emotion_slm.common.seeds import child_seed
from emotion_slm.corpus.labels import LabelSet
from emotion_slm.encoder.adapted import build_encoder, write_adapted
from emotion_slm.encoder.label_head import start_from_definitions
from emotion_slm.encoder.params import AdaptParams, EncoderParams
from emotion_slm.encoder.rewriting import rewrite
from emotion_slm.encoder.soup import cook
from emotion_slm.encoder.start import ENCODER, keep
from emotion_slm.encoder.text_classifier import TextClassifier, Tokenizer
from emotion_slm.training.batches import Rows
from emotion_slm.training.curve import Epoch
from emotion_slm.training.distributed import join
from emotion_slm.training.losses import build_loss
from emotion_slm.training.trainer import Training, train


def adapt(
    train_frame,
    validation_frame,
    labels: LabelSet,
    encoder: EncoderParams,
    params: AdaptParams,
    seed: int,
    output: Path,
    resume_folder: Path,
    on_epoch: Callable[[list[Epoch]], None] | None = None,
) -> Training:
    """Fine-tune the encoder on `train_frame` and write the best epoch's weights to `output`.

    Frames hold `id, text, labels`. The best epoch is chosen on `validation_frame`. `on_epoch` gets
    the curve so far. Returns the training's curve and speed. Of several processes, the first
    writes. EmotionSlmError for a 4-bit encoder without adapters, and where the machine cannot run
    the encoder, before any download.
    """
    lora = None if params.lora == "none" else params.lora
    if lora is None and encoder.four_bit:
        raise EmotionSlmError(
            "adapt.lora `none` trains every weight, and 4-bit weights cannot be trained: give "
            "adapt.lora a rank, or set encoder.four_bit to false"
        )
    preflight(encoder)
    processes = join()

    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    validation = to_rows(validation_frame, labels, tokenizer)
    loss = build_loss(params.loss, labels, labels.to_matrix(train_frame["labels"]))

    build = partial(initial, encoder, params, labels, tokenizer, seed)

    def learn(frame, own_seed: int, folder: Path, report) -> tuple[TextClassifier, Training]:
        rows = to_rows(frame, labels, tokenizer)
        model = build()
        done = train(model, loss, rows, validation, params.training, own_seed, folder, report)
        return model, done

    def learn_rewritten(number: int, report) -> tuple[TextClassifier, Training]:
        folder = resume_folder / f"run-{number}"
        if number == 0:
            return learn(train_frame, seed, folder, report)
        own_seed = child_seed(seed, f"run {number}")
        texts = rewrite(train_frame["text"], params.soup.rewritten, own_seed)
        return learn(train_frame.assign(text=texts), own_seed, folder, report)

    tell = on_epoch if on_epoch and processes.rank == 0 else lambda curve: None
    if params.soup is None:
        model, training = learn(train_frame, seed, resume_folder, tell)
    else:
        model, training = cook(
            build, learn_rewritten, params.soup.runs, params.training, loss, validation, tell
        )
    if processes.rank == 0:
        seen = (sha256_lines(frame["id"].tolist()) for frame in (train_frame, validation_frame))
        write_adapted(output, model, lora, *seen)
    return training


def initial(
    encoder: EncoderParams, params: AdaptParams, labels: LabelSet, tokenizer: Tokenizer, seed: int
) -> TextClassifier:
    """What every training starts from; `seed` draws a random head, and the adapters.

    EmotionSlmError as `start.keep`.
    """
    torch.manual_seed(seed)
    lora = None if params.lora == "none" else params.lora
    model = build_encoder(encoder, lora, params.dropout, labels.names)
    if encoder.start:
        load_trained(model.backbone, keep(encoder) / ENCODER)
    if params.head == "definitions":
        start_from_definitions(model, tokenizer, labels)
    return model


def to_rows(frame, labels: LabelSet, tokenizer: Tokenizer) -> Rows:
    token_ids = tokenizer(frame["text"].tolist())
    lengths = np.array([len(ids) for ids in token_ids])
    gold = labels.to_matrix(frame["labels"])
    return Rows(token_ids, gold, frame["id"].tolist(), tokenizer.pad, lengths, labels.single)
