"""models/classifier for transformers' Auto classes: the package read as one text classifier."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedConfig

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.package.package import read_package
from emotion_slm.publish.full_weights import compose


class PackageConfig(PreTrainedConfig):
    """config.json of a package; what it says is read and verified by `read_package`."""

    model_type = "emotion-package"


class PackagedModel:
    """Stands for a package among the Auto classes; what it loads is a TextClassifier."""

    config_class = PackageConfig

    @classmethod
    def from_pretrained(
        cls, folder: Any, *arguments: Any, dtype: Any = None, **options: Any
    ) -> Any:
        """The verified package over its pinned base, as `full_weights.compose` makes it.

        Of transformers' options `dtype` is followed; the others, which concern downloads and
        placement, have no meaning here.
        """
        if not Path(folder).is_dir():
            raise EmotionSlmError(f"{folder}: a package is loaded from a local folder")
        model = compose(read_package(Path(folder)))
        return model.to(dtype) if isinstance(dtype, torch.dtype) else model


AutoConfig.register(PackageConfig.model_type, PackageConfig)
AutoModelForSequenceClassification.register(PackageConfig, PackagedModel)
