"""The tokenizer in a package: the base's own, set up as the encoder is fed.

It is written with transformers and read without: those take seconds of CPU to import.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tokenizers
from tokenizers import Tokenizer

from emotion_slm.backbone.tokenizer import load_tokenizer
from emotion_slm.common.errors import EmotionSlmError, writing
from emotion_slm.common.files import read_json, require, write_json
from emotion_slm.common.params import shown
from emotion_slm.encoder.tokens import pad

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
# How the base was found, which is not the tokenizer's property.
SOURCE_KEYS = ("is_local", "local_files_only", "name_or_path")
# Tokenizers that differ in what they begin with, in cases, digits or spaces differ in its ids.
PROBE_TEXT = "Don't panic: WE said HelloWorld 12345 times,  na\u00efve caf\u00e9\n \U0001f600!"
LISTED_IDS = 64  # in a message
# Of larger vocabularies transformers suspects Mistral's wrong pattern, and warns, unless told.
LARGE = 100_000


class Probe(NamedTuple):
    """A text and the ids that the encoder was trained to read it as, uncut."""

    text: str
    ids: tuple[int, ...]


class PackagedTokenizer:
    """That of the model in `folder`, truncating at `max_length` tokens; threads may share it."""

    def __init__(self, folder: Path, max_length: int, probe: Probe | None = None):
        """`probe`: of the package; older ones have none.

        EmotionSlmError for a file that is no tokenizer, and where its ids are not the probe's.
        """
        self.path = require(folder / TOKENIZER)
        config = folder / TOKENIZER_CONFIG
        side = read_json(config).get("truncation_side", "right")
        if side not in ("left", "right"):
            raise EmotionSlmError(
                f"{config}: truncation_side: found {shown(side)}, expected 'left' or 'right'; "
                "fetch the model again"
            )
        with _explained(self.path):
            self.tokenizer = Tokenizer.from_file(str(self.path))
            self.tokenizer.no_padding()
            self.tokenizer.no_truncation()
            found = tuple(self.tokenizer.encode(probe.text).ids) if probe else ()
            self.tokenizer.enable_truncation(max_length, direction=side)
            self.words = max_length - self.tokenizer.num_special_tokens_to_add(is_pair=False)
        if probe and found != probe.ids:
            raise EmotionSlmError(
                f"{self.path}: not the tokenizer that the model was trained with: tokenizers "
                f"{tokenizers.__version__} reads {shown(probe.text)} as {_listed(found)}, "
                f"config.json records {_listed(probe.ids)}; fetch the model again, or install the "
                "release of tokenizers that it was made with"
            )

    def __call__(self, texts: list[str]) -> list[np.ndarray]:
        """Token ids per text, each (tokens,) int64, unpadded.

        EmotionSlmError for a tokenizer that only now proves to be none.
        """
        with _explained(self.path):
            rows = self.tokenizer.encode_batch_fast(texts)
        return [np.array(row.ids, dtype=np.int64) for row in rows]

    def count_truncated(self, texts: list[str]) -> int:
        """How many of the texts have more tokens than it gives; as one has a byte at least, short
        texts need no second look."""
        long = [text for text in texts if len(text.encode()) >= self.words]
        with _explained(self.path):
            return sum(bool(row.overflowing) for row in self.tokenizer.encode_batch_fast(long))

    def pad(self, rows: list[np.ndarray]) -> dict[str, np.ndarray]:
        """Rows of token ids → input_ids and attention_mask, (n, longest), padded on the right."""
        return pad(rows, pad_id=0)  # any id does: padded positions are masked


def _listed(ids: tuple[int, ...]) -> str:
    return " ".join(map(str, ids[:LISTED_IDS])) + (" …" if len(ids) > LISTED_IDS else "")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """The tokenizers library raises a bare Exception, and where it panics no Exception at all."""
    try:
        yield
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        raise EmotionSlmError(
            f"{path}: not a tokenizer ({shown(str(error))}); fetch the model again"
        ) from error


def write_tokenizer(base: Path, folder: Path, max_length: int) -> tuple[str, str]:
    """Write the fast tokenizer of the pretrained model in `base` into `folder`; return the names.

    It pads on the right, truncates at `max_length` tokens when asked to truncate, and gives what
    TextClassifier takes: input_ids and attention_mask.
    """
    tokenizer = load_tokenizer(base)
    tokenizer.model_max_length = max_length
    _save(tokenizer, folder)
    config = read_json(folder / TOKENIZER_CONFIG)
    config = {key: value for key, value in config.items() if key not in SOURCE_KEYS}
    config["model_input_names"] = ["input_ids", "attention_mask"]
    if len(tokenizer) > LARGE:
        config.setdefault("fix_mistral_regex", False)
    write_json(folder / TOKENIZER_CONFIG, config)
    return TOKENIZER, TOKENIZER_CONFIG


def probe_of(base: Path) -> Probe:
    """What the tokenizer of the pretrained model in `base` makes of PROBE_TEXT, as in training."""
    return Probe(PROBE_TEXT, tuple(load_tokenizer(base)(PROBE_TEXT)["input_ids"]))


def _save(tokenizer, folder: Path) -> None:
    """Write the tokenizer's files; EmotionSlmError when the disk is full or not writable."""
    with writing(folder / TOKENIZER):
        try:
            tokenizer.save_pretrained(folder)
        except Exception as error:
            # The tokenizers library raises a bare Exception with the kernel's number in its words.
            found = re.search(r"\(os error (\d+)\)", str(error))
            if not found:
                raise
            raise OSError(int(found[1]), os.strerror(int(found[1]))) from error
