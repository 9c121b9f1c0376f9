"""`import emotion_slm` is enough for transformers' Auto classes to know this project's models.

Registering a class means importing torch, which takes seconds. So it is done when transformers
loads the module of its Auto model classes, before anybody can call one, or at once where that has
happened already.
"""

import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

AUTO_MODELS = "transformers.models.auto.modeling_auto"
# Each registers its classes when it is imported.
REGISTERING = ("emotion_slm.encoder.text_classifier", "emotion_slm.model.packaged")


def register_when_needed() -> None:
    """Register the models with transformers' Auto classes, now or when these are imported."""
    if AUTO_MODELS in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterAutoModels())


def _register() -> None:
    for name in REGISTERING:
        importlib.import_module(name)


class _AfterAutoModels(MetaPathFinder):
    """Finds one module the usual way, and registers once that has been executed."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        if name != AUTO_MODELS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            _append(spec)
        return spec


def _append(spec: ModuleSpec) -> None:
    execute = spec.loader.exec_module

    def execute_and_register(module: ModuleType) -> None:
        execute(module)
        _register()

    spec.loader.exec_module = execute_and_register
