"""models/classifier for transformers' Auto classes: the package read as one text classifier."""

import copy
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedConfig

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.params import plain, shown
from emotion_slm.encoder.text_classifier import TextClassifier
from emotion_slm.package.contents import read_tokenizer
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import compose

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
# What transformers hands on by itself, and leave to download or to run what no package needs.
UNREAD = {
    "_commit_hash", "_from_auto", "_from_pipeline", "adapter_kwargs", "cache_dir",
    "local_files_only", "token", "torch_dtype", "trust_remote_code",
}  # fmt: skip
# What loading itself writes into a configuration.
OF_LOADING = {"_name_or_path", "dtype", "torch_dtype", "transformers_version"}


class PackageConfig(PreTrainedConfig):
    """config.json of a package; what it says is read and verified by `read_package`."""

    model_type = "emotion-package"


class PackagedModel:
    """Stands for a package among the Auto classes; what it loads is a TextClassifier."""

    config_class = PackageConfig

    @classmethod
    def from_pretrained(
        cls, folder: Any, *, dtype: Any = None, config: PackageConfig | None = None, **options: Any
    ) -> TextClassifier:
        """The verified package over its pinned base, as `full_weights.compose` makes it.

        Of transformers' options `dtype` is followed: float32, which None and "auto" stand for,
        float16 or bfloat16, as a name or a torch.dtype. The backbone computes in it; the head, and
        with it the calibration that it carries, stays in float32. Raises EmotionSlmError for a
        folder that is none, for options that a package cannot follow, and for a 4-bit backbone in
        another type.
        """
        if not Path(folder).is_dir():
            raise EmotionSlmError(f"{folder}: a package is loaded from a local folder")
        _refuse(Path(folder), config, options)
        wanted = _dtype(options.get("torch_dtype") if dtype is None else dtype)
        package = read_package(Path(folder))
        read_tokenizer(package)  # transformers loads it by itself, and knows of no probe
        model = compose(package)
        if wanted is not None:
            exact = copy.deepcopy(model.head)
            model.to(wanted).head = exact
        return model


def _refuse(folder: Path, config: PackageConfig | None, options: dict[str, Any]) -> None:
    """EmotionSlmError for options without effect, those included that the Auto classes put into
    `config`."""
    asked = [name for name, value in options.items() if name not in UNREAD and value is not None]
    if config is not None:
        given, found = config.to_dict(), PackageConfig.from_pretrained(folder).to_dict()
        asked += [
            name
            for name in sorted(given.keys() | found.keys())
            if name not in OF_LOADING and given.get(name) != found.get(name)
        ]
    if getattr(config, "_attn_implementation", None) is not None:
        asked.append("attn_implementation")
    if asked:
        raise EmotionSlmError(
            f"{folder}: {', '.join(map(plain, asked))}: a package is loaded as it was trained, and "
            "of transformers' options takes `dtype` alone; leave out the others (a pipeline takes "
            "its `device` itself)"
        )


def _dtype(asked: Any) -> torch.dtype | None:
    """The torch.dtype that was asked for by name or as such; None for the package's own."""
    if asked in (None, "auto"):
        return None
    found = DTYPES.get(str(asked).removeprefix("torch."))
    if found is None:
        raise EmotionSlmError(f"dtype: found {shown(asked)}, expected one of {', '.join(DTYPES)}")
    return found


AutoConfig.register(PackageConfig.model_type, PackageConfig)
AutoModelForSequenceClassification.register(PackageConfig, PackagedModel)
