"""This project's models among transformers' Auto classes, from the moment those are imported.

`import emotion_slm` calls `announce`; it must not import transformers, which takes seconds and
which few commands need. So the models are registered when somebody else imports the Auto classes.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

AUTO_CLASSES = "transformers.models.auto.modeling_auto"
# They register themselves. By name, because an import statement here would tie every stage to them.
MODELS = ("emotion_slm.encoder.text_classifier", "emotion_slm.model.packaged")


def announce() -> None:
    """Register the models now, if transformers' Auto classes are in use, else when they are."""
    if AUTO_CLASSES in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, AutoClassesFinder)


class AutoClassesFinder:
    """Finds one module, as Python itself would, and registers the models once it has run."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != AUTO_CLASSES:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_register(module: ModuleType) -> None:
            run(module)
            _register()

        spec.loader.exec_module = run_and_register
        return spec


def _register() -> None:
    for name in MODELS:
        importlib.import_module(name)
