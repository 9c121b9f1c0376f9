"""What the project's models share as Hugging Face models: labels, and loading that is strict."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from emotion_slm.backbone.loading import ATTENTION, quiet, rebuild_backbone
from emotion_slm.backbone.lora import add_lora, train_adapters_alone
from emotion_slm.backbone.params import LoraParams
from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import shown


class EmotionConfig(PreTrainedConfig):
    """A multi-label classifier; `id2label` names its outputs (`naming`)."""

    has_no_defaults_at_init = True

    def __post_init__(self, **kwargs: Any) -> None:
        self.problem_type = self.problem_type or "multi_label_classification"
        super().__post_init__(**kwargs)


def naming(labels: Sequence[str]) -> dict[str, dict]:
    """What a config takes for outputs of these names, in this order."""
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: place for place, label in enumerate(labels)},
    }


class BackboneConfig(EmotionConfig):
    """A classifier around a transformer.

    `backbone` is that transformer's own config, and `lora` the fields of LoraParams or None:
    enough to rebuild the model without the hub.
    """

    sub_configs = {"backbone": AutoConfig}  # noqa: RUF012 as transformers declares it

    backbone: dict | PreTrainedConfig | None = None
    lora: dict | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        if isinstance(self.backbone, dict):
            self.backbone = AutoConfig.for_model(**self.backbone)
        # A copy: a config hands its attention kernel, here none, down to the configs it holds, and
        # the backbone in use would go on without masking its padding.
        self.backbone = copy.deepcopy(self.backbone)
        super().__post_init__(**kwargs)


class EmotionModel(PreTrainedModel):
    """Base of the models: `save_pretrained` writes every tensor, `from_pretrained` wants them all.

    Adapters are saved and rebuilt as adapters, not merged: what is loaded computes the same logits
    to the last bit and can be trained on. The pipeline keeps trained tensors only
    (model/tensors.py); a whole save is for use without the hub.
    """

    config_class = EmotionConfig
    of_any_type = False  # whether it computes what it should after a cast from float32

    def init_weights(self) -> None:
        """Nothing: layers come initialised by torch, adapters by PEFT, a backbone by its class."""

    def to(self, *arguments: Any, **options: Any) -> "EmotionModel":
        """As torch's; EmotionSlmError for a type of numbers that it cannot be cast to: any where
        the backbone is in 4 bits, any but float32 for some classes."""
        _, dtype, *_ = torch._C._nn._parse_to(*arguments, **options)
        if dtype is not None and self._has_four_bits():
            raise EmotionSlmError(
                "a model with a 4-bit backbone computes in bfloat16: it is not cast to "
                f"{dtype}, which would read the packed weights as numbers"
            )
        if dtype not in (None, torch.float32) and not self.of_any_type:
            raise EmotionSlmError(
                f"{type(self).__name__} takes float32 vectors: it is not cast to {dtype}"
            )
        return super().to(*arguments, **options)

    def half(self) -> "EmotionModel":
        return self.to(torch.float16)

    def bfloat16(self) -> "EmotionModel":
        return self.to(torch.bfloat16)

    def float(self) -> "EmotionModel":
        return self.to(torch.float32)

    def _has_four_bits(self) -> bool:
        return any(hasattr(weight, "quant_state") for weight in self.parameters())

    def freeze(self) -> None:
        """Require no gradient of what training leaves alone; transformers forgets it on loading."""
        if getattr(self.config, "lora", None):
            train_adapters_alone(self.backbone)

    def save_pretrained(self, save_directory: Any, **options: Any) -> None:
        """Write config.json and model.safetensors.

        Raises EmotionSlmError for a 4-bit backbone: its packed weights could not be rebuilt.
        """
        if self._has_four_bits():
            raise EmotionSlmError(
                f"{save_directory}: a model with a 4-bit backbone is not saved whole; its trained "
                "tensors are (models/classifier), to be laid over the pinned base"
            )
        with quiet():
            super().save_pretrained(save_directory, **options)

    @classmethod
    def from_pretrained(cls, folder: Any, *arguments: Any, **options: Any) -> Any:
        """Read what `save_pretrained` wrote; the model is in evaluation mode.

        Transformers' `dtype` is followed. Raises EmotionSlmError when a tensor is missing, left
        over or of another shape, and for an option that could not be.
        """
        wants_report = options.pop("output_loading_info", False)
        _refuse(folder, options)
        dtype = options.get("dtype", "auto")
        if not cls.of_any_type and dtype not in (None, "auto", "float32", torch.float32):
            raise EmotionSlmError(
                f"{folder}: {cls.__name__} takes float32 vectors: it is not loaded in {dtype}"
            )
        options |= {
            "output_loading_info": True,
            "use_safetensors": True,
            "ignore_mismatched_sizes": True,  # refused below, by name
        }
        with quiet():
            model, report = super().from_pretrained(folder, *arguments, **options)
        for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if report[problem]:
                first = sorted(map(str, report[problem]))[0]
                raise EmotionSlmError(
                    f"{folder}: not a complete {cls.__name__}: {problem.replace('_', ' ')}, "
                    f"the first being {first}"
                )
        model.freeze()
        return (model, report) if wants_report else model


def _refuse(folder: Any, options: dict[str, Any]) -> None:
    """EmotionSlmError for an option of transformers that a strict loading cannot follow."""
    config = options.get("config")  # in which the Auto classes put some
    asked = options.get("attn_implementation") or getattr(config, "_attn_implementation", None)
    if asked not in (None, ATTENTION):
        raise EmotionSlmError(
            f"{folder}: attn_implementation {shown(asked)} has no effect: these models compute "
            f"with {ATTENTION!r}; leave it out"
        )
    for name, value in (("use_safetensors", True), ("ignore_mismatched_sizes", False)):
        if options.get(name) not in (None, value):
            raise EmotionSlmError(
                f"{folder}: {name}={shown(options[name])} has no effect: every tensor is read "
                "from safetensors, and must fit; leave it out"
            )


def rebuild(config: BackboneConfig, attend: bool) -> nn.Module:
    """The backbone of a saved model, with adapters where it had them; weights are to be loaded.

    `attend`: whether query and key projections have adapters too.
    """
    module = rebuild_backbone(config.backbone)
    if config.lora:
        add_lora(module, LoraParams(**config.lora), attend)
    return module
