"""A checkpoint of Mistral Small 3.1's class with random 4-bit weights, as a quantised one is saved.

    python -m benchmarks.random_checkpoint FOLDER

writes the text tower's true shape, 14 GB, so that a loader can be measured where the real weights
are out of reach. The vision tower, which training leaves alone, is a small one.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from benchmarks.random_mistral import MISTRAL_SMALL, Shape, random_mistral

TEXT = "language_model"  # prefix of the decoder's tensors
VISION = {
    "model_type": "pixtral",
    "hidden_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "head_dim": 32,
    "intermediate_size": 128,
    "image_size": 28,
    "patch_size": 14,
}
QUANTIZATION = {
    "quant_method": "bitsandbytes",
    "load_in_4bit": True,
    "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": True,
    "bnb_4bit_compute_dtype": "bfloat16",
    "bnb_4bit_quant_storage": "uint8",
    "llm_int8_skip_modules": ["lm_head", "vision_tower", "multi_modal_projector"],
}


def write_checkpoint(folder: Path, shape: Shape, device: torch.device) -> None:
    """Config and weights, a file per layer; quantised on `device`."""
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    folder.mkdir(parents=True)
    decoder = random_mistral(shape, device)
    config = Mistral3Config(
        text_config={**decoder.config.to_dict(), "tie_word_embeddings": False},
        vision_config=VISION,
        image_token_index=10,
        tie_word_embeddings=False,
    )
    with torch.device("meta"):
        whole = Mistral3ForConditionalGeneration(config)
    others = {
        name.removeprefix("model."): torch.randn(weight.shape).to(torch.bfloat16) / 10
        for name, weight in whole.named_parameters()
        if name.startswith(("model.vision_tower.", "model.multi_modal_projector."))
    }
    others[f"{TEXT}.lm_head.weight"] = torch.zeros(
        shape.vocabulary, shape.hidden, dtype=torch.bfloat16
    )
    others |= _state(decoder.embed_tokens, "embed_tokens") | _state(decoder.norm, "norm")
    files = {"other": others} | {
        f"layer-{number:02}": _state(layer, f"layers.{number}")
        for number, layer in enumerate(decoder.layers)
    }
    file_of: dict[str, str] = {}
    for name, tensors in files.items():
        file = f"model-{name}.safetensors"
        save_file(
            {key: value.contiguous() for key, value in tensors.items()},
            folder / file,
            metadata={"format": "pt"},
        )
        file_of |= dict.fromkeys(tensors, file)
    weights = {"metadata": {}, "weight_map": file_of}
    (folder / "model.safetensors.index.json").write_text(json.dumps(weights))
    content = config.to_dict() | {
        "architectures": ["Mistral3ForConditionalGeneration"],
        "dtype": "bfloat16",
        "quantization_config": QUANTIZATION,
    }
    (folder / "config.json").write_text(json.dumps(content, default=str))


def _state(part: nn.Module, name: str) -> dict[str, torch.Tensor]:
    """A part of the decoder, quantisation included, under the names of the whole checkpoint."""
    return {f"{TEXT}.model.{name}.{key}": value for key, value in part.state_dict().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_checkpoint(parser.parse_args().folder, MISTRAL_SMALL, torch.device("cuda"))


if __name__ == "__main__":
    main()
