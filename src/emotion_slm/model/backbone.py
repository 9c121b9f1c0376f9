"""Pretrained transformers as plain modules: hidden states in, hidden states out, LoRA on request.

An encoder (BERT and its kin) is used whole; of a decoder, or of the decoder inside a multimodal
model (Mistral Small 3.1), only the text tower is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import nn

from emotion_slm.errors import EmotionSlmError
from emotion_slm.model.pretrained import locate
from emotion_slm.params.backbone import BackboneParams, LoraParams

# Projections that LoRA adapts, by their names in BERT-like and in Llama-like architectures.
# Written as a regular expression: PEFT writes a list in hash-seed order.
ATTENTION_INPUTS = r"query|key|q_proj|k_proj"
OTHER_PROJECTIONS = r"value|v_proj|o_proj|gate_proj|up_proj|down_proj|dense"


class Backbone(NamedTuple):
    module: nn.Module  # called with input_ids or inputs_embeds; returns `.last_hidden_state`
    width: int  # H, the size of one hidden state

    @property
    def device(self) -> torch.device:
        """Where the module is, and where the layers around it belong."""
        return next(self.module.parameters()).device


def load_backbone(params: BackboneParams) -> Backbone:
    """The pinned pretrained model, every weight from its checkpoint.

    Raises EmotionSlmError when the machine cannot run it or a weight is missing.
    """
    if params.loader == "unsloth":
        require_gpu(params)
        module = _load_with_unsloth(params)
    else:
        module = _load_with_transformers(params)
        if torch.cuda.is_available() and not params.four_bit:  # bitsandbytes places its own
            module.to("cuda")
    return Backbone(module, module.config.get_text_config().hidden_size)


def add_lora(backbone: Backbone, params: LoraParams, attend: bool) -> None:
    """Freeze the backbone and inject low-rank adapters, in place.

    `attend=False` leaves the query and key projections without adapters: over a single position
    attention is the identity, so they cannot influence the output.
    """
    from peft import LoraConfig, inject_adapter_in_model

    names = f"{ATTENTION_INPUTS}|{OTHER_PROJECTIONS}" if attend else OTHER_PROJECTIONS
    backbone.module.requires_grad_(False)
    config = LoraConfig(
        r=params.r,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        bias="none",
        target_modules=rf".*\.({names})",
    )
    inject_adapter_in_model(config, backbone.module)


def freeze_embeddings(backbone: Backbone) -> None:
    """Keep the token and position tables as pretrained: half of MiniLM's weights, little gain."""
    for module in backbone.module.modules():
        if isinstance(module, nn.Embedding):
            module.requires_grad_(False)


def require_gpu(params: BackboneParams) -> None:
    """EmotionSlmError before any download when the model needs a GPU that is not there."""
    if not torch.cuda.is_available():
        raise EmotionSlmError(
            f"{params.id} is loaded with Unsloth, which needs a CUDA GPU; none was found. "
            "Profiles `minilm`, `recipe-minilm` and `sample` run on a CPU"
        )


def _load_with_transformers(params: BackboneParams) -> nn.Module:
    import transformers

    folder = locate(params)
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    multimodal = config.get_text_config() is not config
    encoder = getattr(config, "is_decoder", None) is False and config.model_type == "bert"
    options = {"add_pooling_layer": False} if encoder else {}
    if params.four_bit:
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    auto_class = transformers.AutoModelForImageTextToText if multimodal else transformers.AutoModel
    # Eager attention: as fast as fused kernels on short sequences and, on a CPU, steadier.
    with _quiet():
        model, info = auto_class.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    # Transformers only reports missing weights and fills them with random numbers.
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise EmotionSlmError(
            f"{folder}: the checkpoint lacks {len(missing)} weights of {type(model).__name__}, "
            f"the first being {missing[0]}"
        )
    return _text_tower(model) if multimodal else model


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the loading bar and the report on weights that were left out on purpose (poolers)."""
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


def _load_with_unsloth(params: BackboneParams) -> nn.Module:
    from unsloth import FastModel  # importing it without a GPU raises

    model, _ = FastModel.from_pretrained(
        str(locate(params)),
        load_in_4bit=params.four_bit,
        dtype=torch.bfloat16,
        use_gradient_checkpointing="unsloth",
        trust_remote_code=False,
    )
    return _text_tower(model)


def _text_tower(model: nn.Module) -> nn.Module:
    decoder = model.get_decoder()
    if not (hasattr(decoder, "layers") and hasattr(decoder, "norm")):
        raise EmotionSlmError(
            f"{type(model).__name__}: its text decoder was not found "
            f"(got {type(decoder).__name__} without layers and norm)"
        )
    return decoder
