"""Stage adapt: the SLM reads train's texts, in their natural distribution, before any balancing."""

from pathlib import Path

import numpy as np
import torch

from emotion_slm.encoder.adapted import build_encoder, write_adapted
from emotion_slm.encoder.tokens import Tokenizer
from emotion_slm.files import sha256_lines
from emotion_slm.labels import to_matrix
from emotion_slm.model.losses import build_loss
from emotion_slm.model.pretrained import locate
from emotion_slm.params.adapt import AdaptParams
from emotion_slm.params.encoder import EncoderParams
from emotion_slm.training.curve import Epoch
from emotion_slm.training.trainer import Rows, train


def adapt(
    train_frame,
    validation_frame,
    encoder: EncoderParams,
    params: AdaptParams,
    seed: int,
    output: Path,
    resume_folder: Path,
) -> list[Epoch]:
    """Fine-tune the encoder on `train_frame` and write the best epoch's weights to `output`.

    Frames hold `id, text, labels`. The best epoch is chosen on `validation_frame`. Returns the
    training curve.
    """
    torch.manual_seed(seed)  # initial head and adapters
    lora = None if params.lora == "none" else params.lora
    model = build_encoder(encoder, lora, params.dropout)
    tokenizer = Tokenizer(locate(encoder), encoder.max_length)
    train_rows = _rows(train_frame, tokenizer)
    curve = train(
        model,
        build_loss(params.loss, train_rows.gold.sum(0)),
        train_rows,
        _rows(validation_frame, tokenizer, by_length=True),
        params.training,
        seed,
        resume_folder,
        lengths=np.array([len(ids) for ids in train_rows.features]),
    )
    write_adapted(output, model, lora, sha256_lines(train_frame["id"].tolist()))
    return curve


def _rows(frame, tokenizer: Tokenizer, by_length: bool = False) -> Rows:
    token_ids = tokenizer(frame["text"].tolist())
    gold = to_matrix(frame["labels"])
    if by_length:
        order = np.argsort([len(ids) for ids in token_ids], kind="stable")
        token_ids, gold = [token_ids[index] for index in order], gold[order]
    return Rows(token_ids, gold, tokenizer.pad)
