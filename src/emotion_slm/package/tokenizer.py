"""The tokenizer that ships with a model: the base's own, set up as the encoder is fed."""

import os
import re
from pathlib import Path

from emotion_slm.common.errors import writing
from emotion_slm.common.files import read_json, write_json

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
# How the base was found, which is not the tokenizer's property.
SOURCE_KEYS = ("is_local", "local_files_only", "name_or_path")


def write_tokenizer(base: Path, folder: Path, max_length: int) -> tuple[str, str]:
    """Write the fast tokenizer of the pretrained model in `base` into `folder`; return the names.

    It pads on the right, truncates at `max_length` tokens when asked to truncate, and gives what
    TextClassifier takes: input_ids and attention_mask.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    if tokenizer.pad_token is None:  # decoders; any token does: padded positions are masked
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(0)
    tokenizer.padding_side = "right"
    tokenizer.model_max_length = max_length
    _save(tokenizer, folder)
    config = read_json(folder / TOKENIZER_CONFIG)
    config = {key: value for key, value in config.items() if key not in SOURCE_KEYS}
    config["model_input_names"] = ["input_ids", "attention_mask"]
    write_json(folder / TOKENIZER_CONFIG, config)
    return TOKENIZER, TOKENIZER_CONFIG


def _save(tokenizer, folder: Path) -> None:
    """Write the tokenizer's files; EmotionSlmError when the disk is full or not writable."""
    with writing(folder / TOKENIZER):
        try:
            tokenizer.save_pretrained(folder)
        except Exception as error:
            # The tokenizers library raises a bare Exception with the kernel's number in its words.
            told = re.search(r"\(os error (\d+)\)", str(error))
            if not told:
                raise
            raise OSError(int(told[1]), os.strerror(int(told[1]))) from error
