"""Pretrained transformers as plain modules: tokens or vectors in, hidden states out.

An encoder (BERT and its kin) is used without its pooler; of a decoder, or of the decoder inside a
multimodal model (Mistral Small 3.1), only the text tower is kept.
"""

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from emotion_slm.backbone.four_bit import (
    found_quantised,
    name_full_layers,
    prepare,
    quantising,
)
from emotion_slm.backbone.machine import preflight
from emotion_slm.backbone.params import BackboneParams
from emotion_slm.backbone.pretrained import locate
from emotion_slm.backbone.tokenizer import TEKKEN_PADDING, TEKKEN_SIZE, is_mistral
from emotion_slm.common.errors import EmotionSlmError, out_of_memory
from emotion_slm.common.tensor_files import read_header

# As fast as fused kernels on short sequences and, on a CPU, steadier.
ATTENTION = "eager"


def load_backbone(params: BackboneParams, max_length: int) -> nn.Module:
    """The pinned pretrained model, every weight from its checkpoint: called with `input_ids` or
    `inputs_embeds`, it returns `.last_hidden_state`; `.config` is its own.

    `max_length`: the longest input it will get, in positions. Raises EmotionSlmError when the
    machine cannot run it (before any download), when a weight is missing or in another precision
    than asked for, and when the model has fewer positions.
    """
    preflight(params)
    folder = locate(params)
    config = _config(folder)
    quantised = found_quantised(config, params)
    if params.loader == "unsloth":
        module = _load_with_unsloth(folder, params.four_bit, max_length)
    else:
        module = _load_with_transformers(folder, config, params.four_bit, quantised)
        if torch.cuda.is_available() and not params.four_bit:  # bitsandbytes places its own
            module.to("cuda")
    module.config.use_cache = False  # a decoder's cache of keys and values serves generation alone
    if is_mistral(folder) and module.config.vocab_size == TEKKEN_SIZE:
        module.config.pad_token_id = TEKKEN_PADDING  # which the text model's own leaves out
    available = positions(module)
    if available is not None and max_length > available:
        raise EmotionSlmError(
            f"{params.id} reads up to {available} tokens; set max_length to that or less, "
            f"it is {max_length}"
        )
    return module


def rebuild_backbone(config: Any) -> nn.Module:
    """The module that `config`, a loaded backbone's own, describes; its weights are random."""
    import transformers

    return transformers.AutoModel.from_config(
        copy.deepcopy(config),  # the model goes on to change the config it is given
        attn_implementation=ATTENTION,
        trust_remote_code=False,
        **_without_pooler(config),
    )


def positions(module: nn.Module) -> int | None:
    """How many positions the model has learnt; None where they are computed (rotary)."""
    for name, part in module.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            # RoBERTa and its kin number positions from the one after the padding index.
            offset = 0 if part.padding_idx is None else part.padding_idx + 1
            return part.num_embeddings - offset
    return None


def text_tower(model: nn.Module) -> nn.Module:
    """The decoder inside a causal or multimodal model, without its head and vision tower."""
    decoder = model.get_decoder()
    if not (hasattr(decoder, "layers") and hasattr(decoder, "norm")):
        raise EmotionSlmError(
            f"{type(model).__name__}: its text decoder was not found "
            f"(got {type(decoder).__name__} without layers and norm)"
        )
    return decoder


def _config(folder: Path) -> Any:
    import transformers

    try:
        return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # of a damaged one, of many kinds
        reason = "".join(str(error).splitlines()[:1])
        raise EmotionSlmError(
            f"{folder / 'config.json'}: not the configuration of a model that transformers knows "
            f"({reason}); fetch the model again, or set `id` in params.yaml to another"
        ) from error


def _check_layers(folder: Path, config: Any) -> None:
    """EmotionSlmError for more layers than there are tensors: they would be built one by one."""
    tensors = sum(len(read_header(path)) for path in folder.glob("*.safetensors"))
    parts = [config, *(getattr(config, name) for name in getattr(config, "sub_configs", {}))]
    for part in parts:
        layers = getattr(part, "num_hidden_layers", None)
        if isinstance(layers, int) and layers > tensors:
            raise EmotionSlmError(
                f"{folder / 'config.json'}: num_hidden_layers: found {layers}, expected no more "
                f"than the {tensors} tensors of the checkpoint; fetch the model again"
            )


def _load_with_transformers(
    folder: Path, config: Any, four_bit: bool, quantised: bool
) -> nn.Module:
    import transformers

    _check_layers(folder, config)
    multimodal = config.get_text_config() is not config
    options = {"dtype": torch.float32, **_without_pooler(config)}
    if four_bit:
        options["dtype"] = torch.bfloat16
    if quantised:
        name_full_layers(config, folder)
        options["config"] = config
    elif four_bit:
        options["quantization_config"] = quantising()
    auto_class = transformers.AutoModelForImageTextToText if multimodal else transformers.AutoModel
    try:
        with quiet():
            model, info = auto_class.from_pretrained(
                folder,
                attn_implementation=ATTENTION,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )
    except Exception as error:  # of sizes that do not fit the weights, of many kinds
        if out_of_memory(error):
            raise
        reason = "".join(str(error).splitlines()[:1])
        raise EmotionSlmError(
            f"{folder}: transformers cannot load a model from its config.json and weights "
            f"({type(error).__name__}: {reason}); fetch the model again, or set `id` in "
            "params.yaml to another"
        ) from error
    # Transformers only reports missing weights and fills them with random numbers.
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise EmotionSlmError(
            f"{folder}: the checkpoint lacks {len(missing)} weights of {type(model).__name__}, "
            f"the first being {missing[0]}"
        )
    tower = text_tower(model) if multimodal else model
    prepare(tower, folder)
    return tower


def _without_pooler(config: Any) -> dict[str, bool]:
    """The option that leaves out a pooler, for the classes that know it: it would never get a
    gradient, would be saved, and is missing from many checkpoints."""
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    model_class = MODEL_MAPPING.get(type(config), None)
    known = model_class and "add_pooling_layer" in inspect.signature(model_class).parameters
    return {"add_pooling_layer": False} if known else {}


@contextmanager
def quiet() -> Iterator[None]:
    """Hide transformers' bars, and its report on weights left out on purpose (poolers)."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def _load_with_unsloth(folder: Path, four_bit: bool, max_length: int) -> nn.Module:
    from unsloth import FastModel  # importing it without a GPU raises

    # Unsloth freezes every weight and lets gradients start at the embeddings, which its
    # checkpointing needs. Adapters go into the text tower alone (lora.add_lora), so that its
    # get_peft_model, with the vision tower to switch off, is not called for.
    model, _ = FastModel.from_pretrained(
        model_name=str(folder),
        max_seq_length=max_length,
        dtype=torch.bfloat16,
        load_in_4bit=four_bit,
        use_gradient_checkpointing="unsloth",
        trust_remote_code=False,
    )
    return text_tower(model)
